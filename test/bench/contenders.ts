import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { build, type Metafile } from 'esbuild'
import type { Configuration } from '../../functions/config.ts'
import { bundle } from '../../infra/stack/bundle.ts'
import { loadedAtStart } from '../infra/stack/loaded.ts'
import { ratios, type Spread, spread, sum } from './statistics.ts'

/** Who is measured, as a reader should think of it. */
export const titles = {
  ours: 'this project',
  serverless: 'the careful peer: Hono, jose, lib-dynamodb, Seam SDK',
  duties: 'the careful peer with our duties: tokens sealed, an audit line',
  floor: 'the floor: no framework, no SDK',
  empty: 'an empty handler',
}

export type ContenderName = keyof typeof titles
export const contenderNames = Object.keys(titles) as ContenderName[]

export interface Contender {
  name: ContenderName
  /** Its asset, with nothing else in the folder. */
  folder: string
  file: string
  /** Of what is loaded at the start. */
  bytes: number
}

export function bundleContenders(configuration: Configuration, into: string): Promise<Contender[]> {
  return Promise.all(
    contenderNames.map((name) => {
      const folder = join(into, name)
      return name === 'ours' ? bundleOurs(configuration, folder) : bundlePeer(name, folder)
    }),
  )
}

/** As it is deployed. */
export async function bundleOurs(configuration: Configuration, folder: string): Promise<Contender> {
  mkdirSync(folder, { recursive: true })
  return contender('ours', folder, 'vend.mjs', await bundle('vend', configuration, folder))
}

/** With esbuild's own defaults and the SDK inside, which favours it. */
async function bundlePeer(name: ContenderName, folder: string): Promise<Contender> {
  const { metafile } = await build({
    entryPoints: [join(import.meta.dirname, 'peers', `${name}.mjs`)],
    outfile: join(folder, 'index.cjs'),
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    metafile: true,
    logLevel: 'warning',
  })
  return contender(name, folder, 'index.cjs', metafile)
}

function contender(name: ContenderName, folder: string, file: string, metafile: Metafile): Contender {
  const bytes = sum(loadedAtStart(metafile, file).outputs.map((output) => output.bytes))
  return { name, folder, file: join(folder, file), bytes }
}

/** What was measured of each, round by round. */
export type Rounds = Partial<Record<ContenderName, number[]>>

export const spreads = (rounds: Rounds) => each(rounds, spread)
export const oursOverTheirs = (rounds: Rounds) => each(rounds, (theirs) => ratios(rounds.ours ?? [], theirs))

function each(rounds: Rounds, of: (values: number[]) => Spread): Partial<Record<ContenderName, Spread>> {
  return Object.fromEntries(Object.entries(rounds).map(([name, values]) => [name, of(values)]))
}
