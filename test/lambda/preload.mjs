import { registerHooks } from 'node:module'

/** Loaded before AWS's runtime client, see rapid-client.cjs. */
registerHooks({
  resolve(specifier, context, nextResolve) {
    if (specifier !== './rapid-client.node') return nextResolve(specifier, context)
    const { href } = new URL('rapid-client.cjs', import.meta.url)
    return { url: href, format: 'commonjs', shortCircuit: true }
  },
})
