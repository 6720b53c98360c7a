import { build } from 'esbuild'

const project = `${import.meta.dirname}/../..`

/** Bundles a program of the benchmark with the web classes that a deployed function has. */
export async function asDeployed(program: string, outfile: string): Promise<string> {
  await build({
    entryPoints: [`${import.meta.dirname}/${program}`],
    outfile,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    inject: [`${project}/infra/stack/bundled/web.ts`],
    logLevel: 'warning',
  })
  return outfile
}
