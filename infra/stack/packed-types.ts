import { spawnSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { $ZodTypes } from 'zod/v4/core'
import { configuration } from '../../functions/config.ts'
import { faultSchema } from '../local/seam/faults.ts'
import { project } from './bundle.ts'

/** The types of what is packed: what the compiler writes, without what only the deployed functions are made of. */

const entries = [
  'functions/browser/client-session',
  'functions/browser/use-client-session',
  'infra/local/testing',
  'infra/stack/token-vending',
]

type Flow = 'input' | 'output'

/** In place of files whose types rest on packages that nobody who installs ours has. */
const replaced = {
  'functions/config.d.ts': () => `
/** What a user writes: defaults left out. */
export type ConfigurationInput = ${typeText(configuration, 'input')}
export type Configuration = ${typeText(configuration, 'output')}
`,
  'infra/local/seam/faults.d.ts': () => `export type Fault = ${typeText(faultSchema, 'input')}\n`,
  'infra/stack/bundle.d.ts': () => `
export type Entries = Record<'vend' | 'connect' | 'webhook' | 'cleanup' | 'admin', object>
export type Entry = keyof Entries
`,
}

export async function writeTypes(dist: string): Promise<void> {
  const types = `${dist}/esm/types`
  const compiler = `${project}/node_modules/typescript/bin/tsc`
  const settings = `${import.meta.dirname}/pack.tsconfig.json`
  const options = { cwd: project, encoding: 'utf8' } as const
  const { stdout } = spawnSync(process.execPath, [compiler, '-p', settings], options)
  for (const [file, text] of Object.entries(replaced)) await writeFile(`${types}/${file}`, text().trimStart())
  const needed = new Set<string>()
  for (const entry of entries) await addWithImports(`${types}/${entry}.d.ts`, needed)
  for (const file of globSync(`${types}/**/*.d.ts`)) if (!needed.has(file)) await rm(file)
  // Some types of what is left out cannot be written down.
  const fileOf = (line: string) => line.replace(/\.ts\(.*/, '.d.ts')
  const faults = stdout
    .split('\n')
    .filter((line) => needed.has(`${types}/${fileOf(line)}`) && !(fileOf(line) in replaced))
  if (faults.length > 0) throw new Error(faults.join('\n'))
  await cp(types, `${dist}/cjs/types`, { recursive: true })
}

async function addWithImports(file: string, needed: Set<string>): Promise<void> {
  if (needed.has(file) || !existsSync(file)) return
  needed.add(file)
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replaceAll(/(from '\.[^']+)\.ts'/g, "$1.js'"))
  for (const [, from = ''] of text.matchAll(/(?:from|import\() ?["'](\.[^'"]+)\.[tj]s["']/g))
    await addWithImports(join(dirname(file), `${from}.d.ts`), needed)
}

/** A schema's type, so that zod's own are not needed. */
function typeText(schema: unknown, flow: Flow): string {
  const { def } = (schema as $ZodTypes)._zod
  const inner = (it: unknown) => typeText(it, flow)
  switch (def.type) {
    case 'string':
    case 'number':
    case 'boolean':
      return def.type
    case 'literal':
      return def.values.map((value) => JSON.stringify(value)).join(' | ')
    case 'enum':
      return Object.values(def.entries)
        .map((value) => JSON.stringify(value))
        .join(' | ')
    case 'array':
      return `(${inner(def.element)})[]`
    case 'union':
      return def.options.map(inner).join(' | ')
    case 'intersection':
      return `(${inner(def.left)}) & (${inner(def.right)})`
    case 'optional':
    case 'default':
    case 'prefault':
      return inner(def.innerType)
    case 'object':
      return `{ ${Object.entries(def.shape)
        .map(([name, member]) => `${name}${optional(member, flow)}: ${inner(member)}`)
        .join('; ')} }`
    default:
      throw new Error(`The types of a ${def.type} cannot be written yet.`)
  }
}

function optional({ _zod }: { _zod: { optin?: unknown; optout?: unknown } }, flow: Flow): string {
  return (flow === 'input' ? _zod.optin : _zod.optout) === 'optional' ? '?' : ''
}
