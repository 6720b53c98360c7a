import type { HttpBindings } from '@hono/node-server'
import type { Context, Next } from 'hono'
import {
  type IdentityProviderOptions,
  newKey,
  startIdentityProvider,
} from '../infra/local/identity-provider.ts'

export type FailingProvider = Awaited<ReturnType<typeof startFailingProvider>>

/** The local identity provider, which counts its requests, and fails and changes its keys on purpose. */
export async function startFailingProvider(options: IdentityProviderOptions = {}) {
  const extras = {
    /** How it fails its callers: the connection breaks, no answer ever comes, or a 503. May be changed at any time. */
    outage: undefined as 'reset' | 'silence' | 'error' | undefined,
    /** Requests received, by path. */
    counts: {} as Record<string, number>,
    /** Signs with a new key from now on; `keep` still publishes the old ones, as a provider does for a while. */
    async rotateKeys({ keep = true } = {}): Promise<void> {
      provider.keys.splice(0, keep ? 0 : provider.keys.length, await newKey())
    },
  }
  let failing = extras
  async function before(c: Context<{ Bindings: HttpBindings }>, next: Next) {
    failing.counts[c.req.path] = (failing.counts[c.req.path] ?? 0) + 1
    if (failing.outage === undefined) return next()
    if (failing.outage === 'reset') c.env.incoming.socket.destroy()
    if (failing.outage !== 'error') return new Promise<never>(() => {})
    return c.text('The identity provider is unavailable.', 503)
  }
  const provider = Object.assign(await startIdentityProvider({ ...options, before }), extras)
  failing = provider
  return provider
}
