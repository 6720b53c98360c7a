import { type bearerGetter, type SubjectOf, subjectIn } from './bearers.ts'
import { between, sleep } from './time.ts'
import type { ClientSessionError, Send } from './wire.ts'

const mostTries = 3

interface Edges {
  send: Send
  getBearer: ReturnType<typeof bearerGetter>
  subjectOf: SubjectOf
}

/** Ends the user's client session at the endpoint, for whom a bearer token speaks; false when it has not confirmed that. */
export function sessionEnder({ send, getBearer, subjectOf }: Edges) {
  return async function endSession(bearer: string, using: (bearer: string) => void): Promise<boolean> {
    using(bearer)
    for (let tries = 1; ; tries++)
      try {
        await send('DELETE', bearer)
        return true
      } catch (thrown) {
        const { action, retryAfter } = thrown as ClientSessionError
        if (action === 'reauthenticate' && tries === 1) {
          const again = await getBearer(true)
          // Somebody else's session is theirs.
          if (!again || subjectIn(again, subjectOf) !== subjectIn(bearer, subjectOf)) return false
          return endSession(again, using)
        }
        if (action !== 'retry' || tries === mostTries) return false
        await sleep(Math.max(1000 * tries, retryAfter * 1000) * between(1, 1.25))
      }
  }
}
