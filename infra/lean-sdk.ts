import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Plugin } from 'esbuild'

const bundled = `${import.meta.dirname}/bundled`

const leftOut = new RegExp(
  [
    '^@aws-sdk/middleware-(logger|recursion-detection|user-agent|endpoint-discovery)$',
    '^@smithy/core/event-streams$',
    '/util-retry/AdaptiveRetryStrategy$',
    '/adaptors/getEndpointFromConfig$',
    '^\\./HeaderFormatter$',
  ].join('|'),
)

/**
 * Leaves out of the AWS SDK what Lambda has no use for, 200 kB: the less there is to load, the sooner the first
 * caller is served. What an error is stays in its `name`, which is all that may be asked about it: the classes of
 * errors are among what goes.
 */
export const leanSdk: Plugin = {
  name: 'lean-sdk',
  setup({ onLoad, onResolve }) {
    const runtimeConfig = readFileSync(`${bundled}/runtimeConfig.js`, 'utf8')
    onLoad({ filter: inClient('runtimeConfig') }, ({ path }) => ({
      contents: runtimeConfig,
      resolveDir: dirname(path),
    }))
    onLoad({ filter: inClient('endpoint/endpointResolver') }, () => ({
      contents: 'export const defaultEndpointResolver = undefined',
    }))
    onLoad({ filter: inClient('schemas/schemas_0') }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll(
        /^TypeRegistry\.for\(n0\)\.registerError\(.*\);$/gm,
        '',
      ),
      resolveDir: dirname(path),
    }))
    onResolve({ filter: leftOut }, () => ({ path: `${bundled}/left-out.ts` }))
  },
}

function inClient(file: string): RegExp {
  return new RegExp(`/@aws-sdk/client-[a-z-]+/dist-es/${file}\\.js$`)
}
