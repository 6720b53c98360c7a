import { callerVerifier } from '../functions/caller/caller.ts'
import { keyFinder } from '../functions/caller/keys.ts'
import type { Configuration } from '../functions/config.ts'
import { deadlineIn } from '../functions/http/deadline.ts'
import type { Explanation } from '../functions/operator/client.ts'
import { explainToken } from '../functions/operator/explaining.ts'
import { termsOf } from '../functions/session/terms.ts'
import { times } from '../functions/times.ts'

/** What a bearer token is worth by the configuration alone, also in a page: only keys are fetched, no record is looked up. */
export function explainFrom(configuration: Configuration, token: string): Promise<Explanation> {
  const store = { readKeySet: async () => undefined, writeKeySet: async () => {} }
  const clock = Date.now
  // A page's own `fetch` is no method of another object.
  const fetchAlone: typeof fetch = (...given) => fetch(...given)
  const findKeys = keyFinder({ store, fetch: fetchAlone, clock, times, loopback: true })
  const verifyCaller = callerVerifier({ issuers: configuration.issuers, findKeys, clock })
  const deadline = deadlineIn(times.vend, clock)
  return explainToken(
    { verifyCaller, configuration, terms: termsOf(configuration, times), clock, deadline },
    { token },
  )
}
