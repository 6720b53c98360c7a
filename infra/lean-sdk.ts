import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Plugin } from 'esbuild'

const bundled = `${import.meta.dirname}/bundled`

const leftOut = new RegExp(
  [
    '^@aws-sdk/middleware-(logger|recursion-detection|user-agent|endpoint-discovery)$',
    '^@smithy/(middleware-endpoint|core/event-streams)$',
    '/util-retry/AdaptiveRetryStrategy$',
    '^\\./HeaderFormatter$',
  ].join('|'),
)

/**
 * Leaves out of the AWS SDK what Lambda has no use for, 240 kB: the less there is to load, the sooner the first
 * caller is served. What an error is stays in its `name`, which is all that may be asked about it: the classes of
 * errors are among what goes.
 */
export const leanSdk: Plugin = {
  name: 'lean-sdk',
  setup({ onLoad, onResolve }) {
    const runtimeConfig = readFileSync(`${bundled}/runtimeConfig.js`, 'utf8')
    const protocols = readFileSync(`${bundled}/protocols.js`, 'utf8')
    onLoad({ filter: inClient('runtimeConfig') }, ({ path }) => ({
      contents: runtimeConfig,
      resolveDir: dirname(path),
    }))
    onLoad({ filter: inClient('endpoint/endpointResolver') }, () => ({
      contents: 'export const defaultEndpointResolver = undefined',
    }))
    onLoad({ filter: /\/@aws-sdk\/core\/dist-es\/submodules\/protocols\/index\.js$/ }, ({ path }) => ({
      contents: protocols,
      resolveDir: dirname(path),
    }))
    // Our protocols ask of an operation's schema its name alone.
    onLoad({ filter: inClient('schemas/schemas_0') }, ({ path }) => ({
      contents: [...readFileSync(path, 'utf8').matchAll(/^export var (\w+) = \[\s*9,/gm)]
        .map(([, operation]) => `export const ${operation} = [9, '', '${operation}']`)
        .join('\n'),
    }))
    onResolve({ filter: leftOut }, () => ({ path: `${bundled}/left-out.ts` }))
  },
}

function inClient(file: string): RegExp {
  return new RegExp(`/@aws-sdk/client-[a-z-]+/dist-es/${file}\\.js$`)
}
