import type { Deadline } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import type { Times } from '../times.ts'
import type { GetSecretValue } from './secrets-manager.ts'

/** How long a secret is believed, ms; checked when used, because a function may have been frozen for hours (law 11). */
export const keptFor = 5 * 60_000
/** Between two reads on demand, ms: a caller must not be able to make us read without end. */
const readAgainAfter = 5_000

interface Held {
  value?: string
  /** Epoch ms. */
  readAt: number
  /** One for all who ask meanwhile. */
  reading?: Promise<string>
}

export type ReadSecret = (arn: string, how: { fresh: boolean }, deadline: Deadline) => Promise<string>

/**
 * Reads secrets lazily from Secrets Manager and keeps them for five minutes; `fresh` reads again at once, because
 * what was kept has been refused. A read that fails leaves the value in hand in use.
 */
export function secretReader(options: {
  getSecretValue: GetSecretValue
  clock: () => number
  times: Times
}): ReadSecret {
  const { getSecretValue, clock, times } = options
  const held = new Map<string, Held>()

  return async function readSecret(arn, { fresh }, deadline) {
    const it = held.get(arn) ?? { readAt: 0 }
    held.set(arn, it)
    const { value, readAt } = it
    if (value !== undefined && clock() - readAt < (fresh ? readAgainAfter : keptFor)) return value
    it.reading ??= read(arn, it, deadline).finally(() => delete it.reading)
    try {
      return await it.reading
    } catch (error) {
      // Whoever began the read may be another, and have no use for what is in hand.
      if (value === undefined || fresh) throw error
      return value
    }
  }

  async function read(arn: string, it: Held, deadline: Deadline): Promise<string> {
    const now = clock()
    try {
      it.value = await fetchSecret(arn, deadline)
      it.readAt = now
      return it.value
    } catch (error) {
      it.readAt = now - keptFor + readAgainAfter
      throw error
    }
  }

  async function fetchSecret(arn: string, deadline: Deadline): Promise<string> {
    try {
      const ms = Math.ceil(Math.min(times.secrets, deadline.left()))
      const { SecretString } = await getSecretValue(arn, ms)
      if (SecretString !== undefined && SecretString !== '') return SecretString
    } catch (error) {
      const reason = error instanceof Error ? error.name : 'unknown'
      throw new Problem('upstream_unavailable', { dependency: 'secrets', reason, retryAfter: 1 })
    }
    throw new Problem('upstream_unavailable', { dependency: 'secrets', reason: 'secret_is_empty' })
  }
}
