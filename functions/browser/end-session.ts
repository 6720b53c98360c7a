import { type BearerGetter, subjectIn } from './bearers.ts'
import type { SubjectOf } from './options.ts'
import { sleep } from './time.ts'
import { type ClientSessionError, send } from './wire.ts'

const mostTries = 3

export interface BrowserDeps {
  url: string
  getBearer: BearerGetter
  subjectOf: SubjectOf
}

/** Ends the client session of the bearer token's login at the endpoint, or all; false when that is not confirmed. */
export async function endSession(
  { url, getBearer, subjectOf }: BrowserDeps,
  everywhere: boolean | undefined,
  first: string,
  using: (bearer: string) => void,
): Promise<boolean> {
  let bearer = first
  for (let tries = 1; ; tries++)
    try {
      using(bearer)
      await send(url, 'DELETE', bearer, undefined, everywhere)
      return true
    } catch (thrown) {
      const { action, code, retryAfter } = thrown as ClientSessionError
      const isRetry = action === 'retry'
      if (tries === mostTries || !(isRetry || action === 'reauthenticate')) return false
      if (isRetry) await sleep(1000 * Math.max(tries, retryAfter))
      if (code !== 'invalid_token') continue
      const next = await getBearer(true)
      // Another user's session is not ours to end.
      if (!next || subjectIn(next, subjectOf) !== subjectIn(bearer, subjectOf)) return false
      bearer = next
    }
}
