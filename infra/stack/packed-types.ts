import { spawnSync } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { project } from './bundle.ts'

/** The types of what is packed: what the compiler writes, without what only the deployed functions are made of. */

const entries = [
  'functions/browser/client-session',
  'functions/browser/use-client-session',
  'infra/local/testing',
  'infra/stack/token-vending',
]

/** In place of files whose types rest on packages that nobody who installs ours has. */
const replaced: Record<string, string> = {
  'functions/config.d.ts':
    "export type { Configuration, ConfigurationInput } from '../infra/stack/packed-schemas.ts'\n",
  'infra/local/seam/faults.d.ts': "export type { Fault } from '../../stack/packed-schemas.ts'\n",
}

export async function writeTypes(dist: string): Promise<void> {
  const types = `${dist}/esm/types`
  const compiler = `${project}/node_modules/typescript/bin/tsc`
  const settings = `${import.meta.dirname}/pack.tsconfig.json`
  const options = { cwd: project, encoding: 'utf8' } as const
  const { stdout } = spawnSync(process.execPath, [compiler, '-p', settings], options)
  for (const [file, text] of Object.entries(replaced)) await writeFile(`${types}/${file}`, text)
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
