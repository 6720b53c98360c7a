/**
 * Why something happens to a client session: one table, which the fuse, the operator's `explain`, the audit and the
 * tests read. PURE.
 */
export interface ReasonRow {
  /** Cleanup concludes it from clocks and configuration; nobody decided it. The fuse holds too many of these back. */
  inferred?: true
  /** The caller may not have a token at all. */
  bars?: true
  /** After "Because ", for an operator. */
  sentence: string
}

export const reasons = {
  nothing_recorded: { sentence: 'there is no client session.' },
  first_request: { sentence: 'this login has no client session yet.' },
  unfinished: { sentence: 'a call under the recorded key has not been answered.' },
  in_progress: { sentence: 'another request is making the client session.' },
  abandoned: { sentence: 'the request that was making it never came back.' },
  live: { sentence: 'it is live.' },
  nothing_to_gain: { sentence: 'it ends with the access itself.' },
  expiring: { sentence: 'it expires soon.' },
  interrupted: { sentence: 'a request died while it was changing it.' },
  accounts_added: { sentence: 'it lacks accounts of the user.' },
  account_unknown: { sentence: 'Seam does not know one of its accounts.' },
  expired: { sentence: 'it has expired.' },
  longest_age: { inferred: true, sentence: 'it has reached the longest age.' },
  other_generation: { inferred: true, sentence: 'it was made under an earlier generation.' },
  other_binding: { inferred: true, sentence: 'no issuer of the configuration makes its binding.' },
  other_identity: { sentence: 'the user has another user identity.' },
  reported_dead: { sentence: 'its token was reported as refused by Seam.' },
  unreadable_token: { sentence: 'its sealed token cannot be opened.' },
  disabled: { bars: true, sentence: 'the user is disabled.' },
  removed: { bars: true, sentence: 'the user is removed.' },
  access_ended: { bars: true, sentence: "the user's access has ended." },
  rate_limited: { sentence: 'too many client sessions were made in the last hour.' },
} as const satisfies Record<string, ReasonRow>

export type Reason = keyof typeof reasons

export const isInferredReason = (reason: Reason): boolean => 'inferred' in reasons[reason]
