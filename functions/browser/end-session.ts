import { type BearerGetter, type SubjectOf, subjectIn } from './bearers.ts'
import { between, sleep } from './time.ts'
import { type ClientSessionError, send } from './wire.ts'

const mostTries = 3

export interface BrowserDeps {
  url: string
  getBearer: BearerGetter
  subjectOf: SubjectOf
}

/** Ends the client session of the bearer token's login at the endpoint; false when that is not confirmed. */
export async function endSession(
  deps: BrowserDeps,
  bearer: string,
  using: (bearer: string) => void,
): Promise<boolean> {
  using(bearer)
  for (let tries = 1; ; tries++)
    try {
      await send(deps.url, 'DELETE', bearer)
      return true
    } catch (thrown) {
      const { action, retryAfter } = thrown as ClientSessionError
      if (action === 'reauthenticate' && tries === 1) {
        const next = await deps.getBearer(true)
        // Another user's session is not ours to end.
        if (!next || subjectIn(next, deps.subjectOf) !== subjectIn(bearer, deps.subjectOf)) return false
        return endSession(deps, next, using)
      }
      if (action !== 'retry' || tries === mostTries) return false
      await sleep(Math.max(1000 * tries, retryAfter * 1000) * between(1, 1.25))
    }
}
