import type { Terms } from '../../../functions/session/terms.ts'
import { times } from '../../../functions/times.ts'
import { minutes } from '../minutes.ts'

/** Terms of a configuration with one issuer that names no session claim. */
export const terms: Terms = {
  lifetime: 60 * minutes,
  refreshMargin: 10 * minutes,
  longestAges: { shared: 12 * 60 * minutes },
  generation: 1,
  creations: 1000,
  sessions: 8,
  kept: {
    logins: times.eventKept + 2 * times.clockSkew,
    ended: 31 * 24 * 60 * minutes,
    tombstones: 30 * 24 * 60 * minutes,
  },
  times,
}
