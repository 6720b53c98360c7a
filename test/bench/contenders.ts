import { mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build } from 'esbuild'
import type { Configuration } from '../../functions/config.ts'
import { bundle } from '../../infra/stack/bundle.ts'
import { loadedAtStart } from '../infra/stack/loaded.ts'

export const contenderNames = ['ours', 'express', 'serverless', 'duties', 'floor', 'no-io', 'empty'] as const
export type ContenderName = (typeof contenderNames)[number]

export interface Contender {
  name: ContenderName
  /** As a reader should think of it. */
  title: string
  /** Its asset, with nothing else in the folder. */
  folder: string
  file: string
  /** Of what is loaded at the start. */
  bytes: number
}

const titles: Record<ContenderName, string> = {
  ours: 'this project',
  express: '(a) Express, jsonwebtoken, jwks-rsa, Seam SDK per request',
  serverless: '(b) Hono, jose, lib-dynamodb, Seam SDK',
  duties: '(b) with our duties: tokens sealed, an audit line',
  floor: '(c) no framework, no SDK',
  'no-io': '(d) a token server without I/O',
  empty: 'an empty handler',
}

/** Bundles each; ours as it is deployed, the peers with esbuild's own defaults and the SDK inside, which favours them. */
export function bundleContenders(configuration: Configuration, into: string): Promise<Contender[]> {
  return Promise.all(contenderNames.map((name) => bundled(name, configuration, join(into, name))))
}

async function bundled(
  name: ContenderName,
  configuration: Configuration,
  folder: string,
): Promise<Contender> {
  mkdirSync(folder, { recursive: true })
  const metafile = name === 'ours' ? await bundle('vend', configuration, folder) : await peer(name, folder)
  const file = join(folder, name === 'ours' ? 'vend.mjs' : 'index.cjs')
  const bytes = loadedAtStart(metafile, basename(file)).outputs.reduce((sum, output) => sum + output.bytes, 0)
  return { name, title: titles[name], folder, file, bytes }
}

/** Ours under another configuration. */
export async function oursFor(configuration: Configuration, into: string): Promise<Contender> {
  return bundled('ours', configuration, into)
}

async function peer(name: string, folder: string) {
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
  return metafile
}
