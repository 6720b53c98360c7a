import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { Configuration } from '../../functions/config.ts'
import { bundle } from '../../infra/bundle.ts'

export const contenderNames = [
  'ours',
  'unrehearsed',
  'express',
  'serverless',
  'floor',
  'no-io',
  'empty',
] as const
export type ContenderName = (typeof contenderNames)[number]

export interface Contender {
  name: ContenderName
  /** As a reader should think of it. */
  title: string
  /** Its asset, with nothing else in the folder. */
  folder: string
  file: string
  bytes: number
}

const titles: Record<ContenderName, string> = {
  ours: 'this project',
  unrehearsed: 'this project without its rehearsal at the start',
  express: '(a) Express, jsonwebtoken, jwks-rsa, Seam SDK per request',
  serverless: '(b) Hono, jose, lib-dynamodb, Seam SDK',
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
  const isOurs = name === 'ours' || name === 'unrehearsed'
  const { outputs } = isOurs ? await bundle('vend', configuration, folder) : await peer(name, folder)
  const [output] = Object.values(outputs)
  const file = join(folder, isOurs ? 'vend.mjs' : 'index.cjs')
  if (name === 'unrehearsed') leaveOutRehearsal(file)
  return { name, title: titles[name], folder, file, bytes: output?.bytes ?? 0 }
}

/** The last statement of the entry, as it stands in the bundle. */
function leaveOutRehearsal(file: string): void {
  const code = readFileSync(file, 'utf8')
  const [before, after, more] = code.split(/await Promise\.allSettled\(\[\w+\(\),\w+\([^()]*\)\]\);?/)
  if (before === undefined || after === undefined || more !== undefined)
    throw new Error('the rehearsal is not where it was in the bundle')
  writeFileSync(file, before + after)
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
