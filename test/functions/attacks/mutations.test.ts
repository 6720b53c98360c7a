import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Defence, defences, type Patch } from './defences.ts'
import { placeOf, sourceIn } from './source.ts'
import { badRows, table } from './table.ts'

/**
 * Takes defences out of a copy of the source and looks which attacks then succeed: a defence that nothing needs,
 * and an attack that nothing holds off, are both mistakes. All of them with LONG=1, two of them always.
 */

const root = new URL('../../..', import.meta.url).pathname
let copy: string
let source: Map<string, string>

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'without-defences-'))
  for (const folder of ['functions', 'infra', 'test', 'package.json', 'tsconfig.json'])
    await cp(join(root, folder), join(copy, folder), { recursive: true })
  source = sourceIn(copy)
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
})
afterAll(() => rm(copy, { recursive: true }))

/** The places of the rows that turn red without these. */
async function redWithout(names: Defence[]): Promise<Set<number>> {
  const changed = new Map(source)
  for (const patch of names.flatMap((name): Patch[] => defences[name])) {
    const place = placeOf(patch, changed)
    changed.set(
      place,
      (changed.get(place) ?? '').replace(patch.text, () => patch.instead),
    )
  }
  await write(changed)
  const run = [join(copy, 'test/functions/attacks/run.ts')]
  const { stdout } = await promisify(execFile)(process.execPath, run, { timeout: 120_000 })
  return new Set(JSON.parse(stdout) as number[])
}

async function write(files: Map<string, string>): Promise<void> {
  for (const [file, text] of files) await writeFile(join(copy, file), text)
}

const long = process.env.LONG === '1'
const sets = new Map(badRows.map(({ defences }) => [key(defences), defences]))
const some = ['not expired', 'fitting keys only + the signature, by jose']

function key(names: Defence[]): string {
  return [...names].sort().join(' + ')
}

function titles(places: Iterable<number>): string[] {
  return [...places].map((place) => `${table[place]?.class}: ${table[place]?.name}`)
}

describe('without', () => {
  it.each([...sets].filter(([name]) => long || some.includes(name)))(
    '%s: the attacks that name them succeed, and need all of them to be missing',
    async (name, names) => {
      const red = await redWithout(names)
      const named = table.flatMap((row, place) => (key(row.defences) === name ? [place] : []))
      expect(titles(named.filter((place) => !red.has(place)))).toEqual([])
      if (long) console.log(`without ${name}:\n  ${titles(red).join('\n  ')}`)
      for (const spared of names.length > 1 ? names : []) {
        const rest = names.filter((other) => other !== spared)
        const still = await redWithout(rest)
        expect(titles(named.filter((place) => still.has(place))), `${spared} is not needed`).toEqual([])
      }
    },
    600_000,
  )

  it('every defence is named by an attack', () => {
    const named = new Set<string>(badRows.flatMap(({ defences }) => defences))
    expect(Object.keys(defences).filter((name) => !named.has(name))).toEqual([])
  })
})
