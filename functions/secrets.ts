import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { type Deadline, signalWithin } from './deadline.ts'
import { Problem } from './problem.ts'
import type { Times } from './times.ts'

/** How long a secret is believed, ms; checked when used, because a function may have been frozen for hours (law 11). */
export const keptFor = 5 * 60_000
/** Between two reads on demand, ms: a caller must not be able to make us read without end. */
const readAgainAfter = 5_000

export type ReadSecret = (arn: string, how: { fresh: boolean }, deadline: Deadline) => Promise<string>

/**
 * Reads secrets lazily from Secrets Manager and keeps them for five minutes; `fresh` reads again at once, because
 * what was kept has been refused. A read that fails leaves the value in hand in use.
 */
export function secretReader(options: {
  client: SecretsManagerClient
  clock: () => number
  times: Times
}): ReadSecret {
  const { client, clock, times } = options
  const kept = new Map<string, { value: Promise<string>; readAt: number }>()

  return async function readSecret(arn, { fresh }, deadline) {
    const now = clock()
    const known = kept.get(arn)
    if (known !== undefined && now - known.readAt < (fresh ? readAgainAfter : keptFor)) return known.value
    const value = fetchSecret(arn, deadline)
    kept.set(arn, { value, readAt: now })
    try {
      return await value
    } catch (error) {
      if (known === undefined) kept.delete(arn)
      else kept.set(arn, { value: known.value, readAt: now - keptFor + readAgainAfter })
      if (known === undefined || fresh) throw error
      return known.value
    }
  }

  async function fetchSecret(arn: string, deadline: Deadline): Promise<string> {
    try {
      const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: arn }), {
        abortSignal: signalWithin(times.secrets, deadline),
      })
      if (SecretString !== undefined && SecretString !== '') return SecretString
    } catch (error) {
      const reason = error instanceof Error ? error.name : 'unknown'
      throw new Problem('upstream_unavailable', { dependency: 'secrets', reason, retryAfter: 1 })
    }
    throw new Problem('upstream_unavailable', { dependency: 'secrets', reason: 'secret_is_empty' })
  }
}
