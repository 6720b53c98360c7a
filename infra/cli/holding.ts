import type { AccountAudit, Holding } from '../../functions/http/audit.ts'

/** Who could have client sessions with an account, and when: read from the audit log. PURE. */

/** Epoch milliseconds. `from` is absent when it began before the log, `until` while it lasts. */
export interface Span {
  subject: string
  from?: number
  until?: number
  /** Which command, and by whom. */
  given?: string
  taken?: string
}

/** Spans in the order in which they began; `entries` in any order. */
export function spansOf(entries: AccountAudit[], accountId: string, now: number): Span[] {
  const spans: Span[] = []
  const bySubject = Map.groupBy(entries, ({ subject }) => subject)
  for (const [subject, changes] of bySubject) {
    let open: Span | undefined
    const close = (until: number, taken: string) => {
      if (open !== undefined) spans.push({ ...open, until, taken })
      open = undefined
    }
    for (const { at, by, act, before, after } of changes.sort((one, other) => one.at - other.at)) {
      const who = `${act} by ${by}`
      if (open === undefined && had(before, accountId, at)) open = { subject }
      // The end date may have come before this change.
      if (open !== undefined && (before?.access_until ?? Infinity) <= at)
        close(before?.access_until ?? at, 'end date')
      const has = had(after, accountId, at)
      if (has) open ??= { subject, from: at, given: who }
      else close(at, who)
    }
    const until = changes.at(-1)?.after.access_until ?? Infinity
    if (until <= now) close(until, 'end date')
    if (open !== undefined) spans.push(open)
  }
  return spans.sort((one, other) => (one.from ?? -Infinity) - (other.from ?? -Infinity))
}

function had(holding: Holding | undefined, accountId: string, at: number): boolean {
  return (
    holding !== undefined &&
    holding.status === 'active' &&
    holding.connected_account_ids.includes(accountId) &&
    at < (holding.access_until ?? Infinity)
  )
}

/** Those of the spans that have a moment in [start, end). */
export function during(spans: Span[], { start, end }: { start: number; end: number }): Span[] {
  return spans.filter(({ from = -Infinity, until = Infinity }) => from < end && until > start)
}
