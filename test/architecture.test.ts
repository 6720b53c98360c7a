import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

/** DESIGN's arrows: who may import whom. A picture of the house that cannot go stale. */

const root = new URL('..', import.meta.url).pathname
const sources = globSync(['functions/**/*.ts', 'infra/**/*.ts'], { cwd: root }).sort()

interface Import {
  from: string
  typeOnly: boolean
}

const importsOf = (file: string): Import[] => {
  const text = readFileSync(join(root, file), 'utf8')
  const statements = text.matchAll(
    /^(?:import|export)\s+(type\s+)?[^'"]*?from\s+'([^']+)'|import\('([^']+)'\)/gms,
  )
  return [...statements].map(([, type, from, dynamic]) => {
    const target = from ?? dynamic ?? ''
    return {
      from: target.startsWith('.') ? relative(root, join(root, dirname(file), target)) : target,
      typeOnly: type !== undefined,
    }
  })
}
const house = new Map(sources.map((file) => [file, importsOf(file)]))
const textOf = (file: string) =>
  readFileSync(join(root, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')

const functions = sources.filter((file) => file.startsWith('functions/'))
const entries = ['vend', 'connect', 'webhook', 'identity-events', 'cleanup', 'admin'].map(
  (name) => `functions/entries/${name}.ts`,
)
/** What they share. Nobody else may have it. */
const behindEntries = 'functions/entries/clients.ts'
const entryCode = [...entries, behindEntries]
/** Each knows one outside world, and no other edge. */
const edges: Record<string, RegExp> = {
  'functions/aws/caller.ts': /^$/,
  'functions/aws/dynamodb.ts': /^functions\/aws\/(caller|dynamodb-sdk)\.ts$/,
  'functions/aws/dynamodb-sdk.ts': /^@aws-sdk\/client-dynamodb$/,
  'functions/aws/secrets-manager.ts': /^functions\/aws\/(caller|secrets-manager-sdk)\.ts$/,
  'functions/aws/secrets-manager-sdk.ts': /^@aws-sdk\/client-secrets-manager$/,
  'functions/table/table.ts': /^functions\/table\/(accounts|items|runs|small-items|users|webviews)\.ts$/,
  'functions/table/accounts.ts': /^functions\/table\/items\.ts$/,
  'functions/table/runs.ts': /^functions\/table\/items\.ts$/,
  'functions/table/small-items.ts': /^functions\/table\/items\.ts$/,
  'functions/table/users.ts': /^functions\/table\/items\.ts$/,
  'functions/table/webviews.ts': /^functions\/table\/items\.ts$/,
  'functions/table/items.ts': /^$/,
  'functions/aws/secrets.ts': /^$/,
  'functions/seam/client.ts': /^$/,
  'functions/session/seal.ts': /^$/,
  'functions/caller/caller.ts': /^jose$/,
  'functions/caller/keys.ts': /^jose$/,
  'functions/caller/key-set.ts': /^jose$/,
  // Signatures are verified in one place.
  'functions/identity-events/receive.ts': /^functions\/caller\/caller\.ts$/,
}
/** No I/O, no clock, no SDK: what they import is pure as well, or a type. */
const pure = [
  'record/user',
  'record/writes',
  'session/binding',
  'session/check-answer',
  'session/reasons',
  'session/terms',
  'session/verdict',
  'times',
  'http/problem',
  'aws/endpoint',
  'table/keys',
  'table/user-item',
  'table/values',
  'caller/claims',
  'caller/owner',
  'caller/jws',
  'config',
  'identity-events/meaning',
  'identity-events/token',
  'http/addresses',
  'caller/issuer-risks',
  'caller/issuer-settings',
  'seam/api-key',
  'entries/event',
  'http/contract',
  'http/deadline',
  'cleanup/fuse',
  'cleanup/report',
  'operator/showing',
  'operator/fault',
].map((name) => `functions/${name}.ts`)

test('every file that a rule names exists', () => {
  expect(functions).toEqual(expect.arrayContaining([...Object.keys(edges), ...pure]))
  expect(functions.length).toBeGreaterThan(15)
})

test('functions never import infra or test', () => {
  const wrong = functions.filter((file) => house.get(file)?.some(({ from }) => /^(infra|test)\//.test(from)))
  expect(wrong).toEqual([])
})

test('nothing imports an entry but for its types', () => {
  const wrong = [...house].flatMap(([file, imports]) =>
    imports
      .filter(({ from, typeOnly }) => entries.includes(from) && !typeOnly)
      .map(({ from }) => `${file} → ${from}`),
  )
  expect(wrong).toEqual([])
})

test('what entries share is imported by entries alone', () => {
  const importing = [...house].flatMap(([file, imports]) =>
    imports.some(({ from, typeOnly }) => from === behindEntries && !typeOnly) ? [file] : [],
  )
  expect(importing.sort()).toEqual([...entries].sort())
})

test('only entries read the environment or the clock, chance comes from what they share, and nothing else prints', () => {
  const others = functions.filter((file) => !entries.includes(file) && !file.startsWith('functions/browser'))
  const read = (file: string) => /process\.env|Date\.now\b|new Date\(\)|console\./.test(textOf(file))
  const draw = (file: string) => /Math\.random|process\.std/.test(textOf(file))
  expect(others.filter(read)).toEqual([])
  expect(others.filter(draw)).toEqual([behindEntries])
})

describe('edges', () => {
  test.each(Object.entries(edges))(
    '%s imports its own outside world alone, and no other edge',
    (file, own) => {
      const wrong = (house.get(file) ?? [])
        .filter(({ typeOnly }) => !typeOnly)
        .filter(({ from }) => /^(@aws-sdk|@seamapi|jose|hono)/.test(from) || from in edges)
        .filter(
          ({ from }) =>
            !own.test(from) && !['functions/caller/key-set.ts', 'functions/caller/keys.ts'].includes(from),
        )
      expect(wrong).toEqual([])
    },
  )

  test('an SDK is imported by its edge and by entries alone', () => {
    const wrong = functions.flatMap((file) =>
      (house.get(file) ?? [])
        .filter(({ from, typeOnly }) => !typeOnly && from.startsWith('@aws-sdk/'))
        .filter(({ from }) => !entryCode.includes(file) && !edges[file]?.test(from))
        .map(({ from }) => `${file} → ${from}`),
    )
    expect(wrong).toEqual([])
  })
})

test('acts know the edges by their types alone', () => {
  const assembly = ['functions/wiring.ts', 'functions/app.ts']
  const wrong = functions
    .filter((file) => !entryCode.includes(file) && !assembly.includes(file) && !(file in edges))
    .flatMap((file) =>
      (house.get(file) ?? [])
        .filter(({ from, typeOnly }) => !typeOnly && from in edges)
        .map(({ from }) => `${file} → ${from}`),
    )
  expect(wrong).toEqual([])
})

test('pure files import only pure files, types, and the schema library', () => {
  const wrong = pure.flatMap((file) =>
    (house.get(file) ?? [])
      .filter(({ typeOnly }) => !typeOnly)
      // `node:crypto` for a hash.
      .filter(({ from }) => !pure.includes(from) && !['zod/v4-mini', 'node:crypto'].includes(from))
      .map(({ from }) => `${file} → ${from}`),
  )
  expect(wrong).toEqual([])
})

test('no two files import each other', () => {
  const runtime = (file: string) =>
    (house.get(file) ?? []).filter(({ typeOnly }) => !typeOnly).map(({ from }) => from)
  const circles: string[] = []
  const visit = (file: string, path: string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' → '))
    else if (house.has(file)) for (const next of runtime(file)) visit(next, [...path, file])
  }
  for (const file of sources) visit(file, [])
  expect([...new Set(circles)]).toEqual([])
})

test('each test stands where its file does', () => {
  const tests = globSync('test/{functions,infra}/**/*.test.ts', { cwd: root })
  const rooms = [...sources, ...globSync('infra/*.{json,md}', { cwd: root })]
  expect(tests.length).toBeGreaterThan(5)
  const wrong = tests.filter((file) => {
    const [, side = '', ...rest] = file.split('/')
    const first = `${side}/${rest[0]}`.replace('.test.ts', '')
    return !rooms.some((room) => room.startsWith(first))
  })
  // Whole-house tests of `functions`: they walk through many rooms.
  const wholeHouse = /^test\/functions\/(model|attacks|faults|crash|concurrency)/
  expect(wrong.filter((file) => !wholeHouse.test(file))).toEqual([])
})
