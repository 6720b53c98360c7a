import { callerVerifier } from '../../functions/caller/caller.ts'
import { keyFinder } from '../../functions/caller/keys.ts'
import { deadlineIn } from '../../functions/http/deadline.ts'
import type { Explanation } from '../../functions/operator/client.ts'
import { explainToken } from '../../functions/operator/explaining.ts'
import { termsOf } from '../../functions/session/terms.ts'
import { times } from '../../functions/times.ts'
import { deployable } from './configuration.ts'

/** Explains a bearer token from the configuration alone: it needs no world, and looks up no record. @throws CliError */
export async function explainOffline(
  folder: string,
  stage: string | undefined,
  token: string,
): Promise<Explanation> {
  const { configuration } = deployable(folder, stage)
  const store = { readKeySet: async () => undefined, writeKeySet: async () => {} }
  const clock = Date.now
  const findKeys = keyFinder({ store, fetch, clock, times, loopback: true })
  return explainToken(
    {
      verifyCaller: callerVerifier({ issuers: configuration.issuers, findKeys, clock }),
      configuration,
      terms: termsOf(configuration, times),
      clock,
      deadline: deadlineIn(times.vend, clock),
    },
    { token },
  )
}
