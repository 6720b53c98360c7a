/** When a request's answer is due. One is made by the entry and passed down, so that nobody waits longer than the caller does. */
export interface Deadline {
  /** Milliseconds left, never negative. */
  left(): number
}

export function deadlineIn(ms: number, clock: () => number): Deadline {
  const at = clock() + ms
  return { left: () => Math.max(0, at - clock()) }
}

/** Fires after `ms` or when the deadline has passed, whichever is sooner. */
export function signalWithin(ms: number, deadline: Deadline): AbortSignal {
  return AbortSignal.timeout(Math.max(0, Math.ceil(Math.min(ms, deadline.left()))))
}

/** A deadline that is at most `ms` away. */
export function earlier(deadline: Deadline, ms: number, clock: () => number): Deadline {
  const own = deadlineIn(ms, clock)
  return { left: () => Math.min(own.left(), deadline.left()) }
}
