import type { Reason } from '../session/reasons.ts'
import type { Fuse } from './fuse.ts'

export type Stop =
  | 'another_run'
  /** There are no settings, so no client session was ever made with this table. */
  | 'nothing_made_yet'
  | 'out_of_time'
  /** Seam answered 429. */
  | 'rate_limited'
  /** The API key opens another workspace than the one this table belongs to. */
  | 'other_workspace'
  /** One failure after the other. */
  | 'failing'
  /** Seam, the table or the secret was unavailable. */
  | 'outage'

export type Alarm = 'failed' | 'other_workspace' | 'fuse' | 'given_up' | 'unconfirmed'

/** What a run of cleanup came to: a value, filled in as the run goes, logged as one object and stored. */
export interface CleanupReport extends ReturnType<typeof newReport> {
  fuse?: Fuse
  /** Why the run ended before its work did. */
  stopped?: Stop
  /** With `another_run`, epoch milliseconds. */
  other_run_until?: number | undefined
}

/**
 * `started_at`: epoch milliseconds. `dry_run`: nothing is changed, the numbers say what a run would do. `all_users`:
 * every record is looked at, instead of those that are due.
 */
export function newReport(run: { started_at: number; dry_run: boolean; all_users: boolean }) {
  return {
    ...run,
    /** Milliseconds. */
    took: 0,
    /** Records read. */
    looked_at: 0,
    /** By reason; `let_go`: what acts had retired before this run. */
    ended: {} as Partial<Record<'let_go' | Reason, number>>,
    /** Of those, client sessions that Seam no longer knew. */
    already_gone: 0,
    /** Client sessions that showed under a key after it was retired, and were deleted. */
    strays_ended: 0,
    /** Retired keys under which nothing can be alive any more: forgotten. */
    settled: 0,
    /** Deletions of accounts that have reached every holder now. */
    accounts_settled: 0,
    /** Users whose accounts were looked up, because Seam had refused one of them. */
    accounts_checked: 0,
    failed: 0,
    /** Failures by their cause, in the code's own fixed words. */
    failures: {} as Record<string, number>,
    /** Owners (hashes) for whom it has failed so often that it is tried once a day. */
    given_up: [] as string[],
    /** Owners with so many undeleted client sessions that somebody should look. */
    unconfirmed: [] as string[],
    /** Known to be due and not tried; a run that stopped early may not know of all. */
    left_for_next_time: 0,
    /** Not ended because the fuse has blown. */
    held_back: 0,
    /** How long, in milliseconds, the oldest of what is left, held back or failed has been due. */
    oldest_backlog: 0,
    /** What somebody should look at. */
    alarms: [] as Alarm[],
  }
}

export function count<Name extends string>(counts: Partial<Record<Name, number>>, name: Name, by = 1): void {
  if (by > 0) counts[name] = (counts[name] ?? 0) + by
}

export function alarmsOf({ stopped, fuse, given_up, unconfirmed }: CleanupReport): Alarm[] {
  const alarms: [Alarm, boolean][] = [
    ['failed', stopped === 'failing' || stopped === 'outage'],
    ['other_workspace', stopped === 'other_workspace'],
    ['fuse', fuse !== undefined],
    ['given_up', given_up.length > 0],
    ['unconfirmed', unconfirmed.length > 0],
  ]
  return alarms.filter(([, rings]) => rings).map(([alarm]) => alarm)
}
