const second = 1000
const minute = 60 * second

/**
 * Every duration the protocol depends on, in milliseconds, stated once and handed in: the tests divide all of
 * them by 50, the stack derives timeouts from them, and a test holds the rules between them (`timingFaults`).
 */
export const times = {
  /** The refresh margin is the smaller of this and a fifth of the lifetime. */
  refreshMargin: 10 * minute,
  /** A token that is good for this much longer may still be handed out when an extension is unavailable. */
  goodForMore: 1 * minute,
  /** How long after everybody gave up on it a call may still arrive at Seam. */
  lateCall: 60 * second,
  /** The largest difference we accept between any two clocks, ours and Seam's. */
  clockSkew: 60 * second,
  /** From retiring a key until the list by that key that settles it. */
  grace: 180 * second,
  /** The right of one act to call Seam for one client session. */
  lease: 12 * second,
  /** How long a caller without a usable token waits for the winner's commit; never longer than its lease. */
  waiting: 1 * second,
  /** A client session may be reported dead once in this time, per binding. */
  reportedDead: 1 * minute,
  /** An account that Seam does not know is left out of what is asked for during this time. */
  unknownAccount: 60 * minute,
  /** The window of the budgets on creations and on new records. */
  budgetWindow: 60 * minute,
  /** One document of an issuer: its discovery, or its keys. */
  keySet: 3 * second,
  /** After an attempt at a key set, successful or not, before the next one. */
  keySetCooldown: 30 * second,
  /** One attempt at DynamoDB; there are three, one without the SDK and then its two. */
  dynamodb: 1 * second,
  /** One call to Seam. */
  seam: 3 * second,
  /** While Seam fails, one call of a kind and process goes through in this time. */
  probe: 2 * second,
  /** Most of these calls, so that their callers do not wait long for a silent Seam. */
  probeCall: 1 * second,
  /** The one attempt of a vend to delete what it has replaced; its caller waits for it. */
  deleteInVend: 1 * second,
  /** What an identity provider’s event waits for at Seam: its sender gives up after a few seconds. */
  deleteInEvent: 2.5 * second,
  /** One reading of a secret; half of it is for the attempt without the SDK. */
  secrets: 2 * second,
  /** One request to the vend function, and every act of it from claim to commit. */
  vend: 10 * second,
  /** After a Connect Webview was made, a login in it counts. */
  connectWebview: 24 * 60 * minute,
  /** Between two questions to Seam how one Connect Webview goes. */
  askWebview: 3 * second,
  /** How long an event that has had its effect is known: Svix repeats for 28 hours. */
  eventKept: 3 * 24 * 60 * minute,
  /** One request to the admin function; the act for each of its users still ends within `vend`. */
  admin: 60 * second,
  /** A run of cleanup; see also `cleanupShare`. */
  cleanup: 4 * minute,
  /** Cleanup infers nothing while our clock and Seam's are further apart than this. */
  clocksApart: 30 * second,
  /** After the first failure of cleanup for a retired entry, before the next attempt; doubles with each. */
  retry: 1 * minute,
  /** The longest time between two attempts. */
  retryAtMost: 24 * 60 * minute,
}

export type Times = typeof times

/** Before a client session ends, ms: from then on it is extended; never more than a fifth of its lifetime. */
export function refreshMarginOf(lifetime: number, { refreshMargin }: Times): number {
  return Math.min(refreshMargin, lifetime / 5)
}

/** The same protocol at another speed: every duration divided by `by`. */
export function faster(times: Times, by: number): Times {
  return Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, ms / by])) as unknown as Times
}

/** The window of a budget at a moment. `retryAfter`: seconds until the next; `expires`: when its count may be deleted. */
export function budgetWindowAt(now: number, { budgetWindow }: Times) {
  const number = Math.floor(now / budgetWindow)
  const end = (number + 1) * budgetWindow
  return { number, retryAfter: (end - now) / 1000, expires: Math.ceil(end / 1000) + 86_400 }
}

/** A run of cleanup ends within this share of its schedule. */
const cleanupShare = 4 / 5

/** Milliseconds that a run of cleanup may take: always less than its schedule (law 12). */
export function cleanupTime(everyMinutes: number, { cleanup }: Times): number {
  return Math.min(cleanup, everyMinutes * minute * cleanupShare)
}

/** Law 12: what is wrong with these times, as sentences; empty when all rules hold. */
export function timingFaults(times: Times, lifetime: number): string[] {
  const margin = refreshMarginOf(lifetime, times)
  const rules: [boolean, string][] = [
    [times.vend < times.lease, 'an act must end before its lease: keep `vend` below `lease`'],
    [
      times.grace >= times.lease + times.seam + times.lateCall + times.clockSkew,
      'the grace must outlast a lease, a call, its late arrival and the clock skew: raise `grace`',
    ],
    [margin < lifetime, 'the refresh margin must be shorter than the lifetime: raise the lifetime'],
    [
      margin > times.goodForMore,
      `raise the lifetime above ${(5 * times.goodForMore) / second} seconds: a fifth of it is the time to refresh in, and tokens are handed out only while they are good for ${times.goodForMore / second} more`,
    ],
    // Who has a session is served by a slow issuer: its keys' item read, two documents, the item written, the record read.
    [
      2 * times.keySet + 3 * times.dynamodb < times.vend,
      'two documents of an issuer, and three operations of the table, must fit into `vend`',
    ],
    [times.seam + 3 * times.dynamodb < times.vend, 'a call to Seam and its commit must fit into `vend`'],
  ]
  return rules.filter(([holds]) => !holds).map(([, sentence]) => sentence)
}
