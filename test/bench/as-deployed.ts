import { build } from 'esbuild'
import { leanSdk } from '../../infra/lean-sdk.ts'

const project = `${import.meta.dirname}/../..`

/** Bundles a program of the benchmark with the SDK and the web classes that a deployed function has, not the peers'. */
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
    alias: { '@aws-sdk/client-dynamodb': `${project}/node_modules/@aws-sdk/client-dynamodb` },
    inject: [`${project}/infra/bundled/web.ts`],
    plugins: [leanSdk],
    logLevel: 'warning',
  })
  return outfile
}
