import type { ChangeReport, SessionFate, ShownUser } from '../../functions/admin-client.ts'

/** Answers of the admin function as a person at a terminal reads them. PURE. */

/** As a shell takes it for one word: Auth0's subjects have a `|`. */
export function shellQuoted(text: string): string {
  const safe = visible(text)
  return /^[\w@%+=:,./-]+$/.test(safe) ? safe : `'${safe.replaceAll("'", "'\\''")}'`
}

/** Names at Seam are strangers' texts: what would steer a terminal is left out. */
function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '')
}

/** Columns as wide as they must be. */
export function table(headings: string[], rows: string[][]): string {
  const lines = [headings, ...rows].map((row) => row.map(visible))
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

export function userRow(user: ShownUser): string[] {
  const { client_session, connected_account_ids, unconfirmed } = user
  const session = client_session === undefined ? 'none' : `until ${when(client_session.expires_at)}`
  return [
    shellQuoted(user.subject),
    user.status,
    String(connected_account_ids.length),
    user.access_until === undefined ? '' : when(user.access_until),
    unconfirmed > 0 ? `${session}, ${unconfirmed} ending` : session,
  ]
}

export const userHeadings = ['SUBJECT', 'STATUS', 'ACCOUNTS', 'ACCESS UNTIL', 'CLIENT SESSION']

export function userSheet(user: ShownUser): string {
  const { client_session: session, unknown_account_ids: unknown = [] } = user
  const rows: [string, string | undefined][] = [
    ['subject', shellQuoted(user.subject)],
    ['owner', user.owner],
    ['issuer', user.iss],
    ['status', user.status],
    ['access until', user.access_until && when(user.access_until)],
    ['tokens since', user.not_before && when(user.not_before)],
    ['accounts', user.connected_account_ids.join('\n') || 'none'],
    ['unknown at Seam', unknown.join('\n') || undefined],
    ['client session', session?.client_session_id ?? 'none'],
    ['  made', session && when(session.created_at)],
    ['  ends', session && when(session.expires_at)],
    ['  accounts', session && String(session.connected_account_ids.length)],
    ['ending', user.unconfirmed > 0 ? `${user.unconfirmed}, not confirmed by Seam yet` : undefined],
    ['settling', user.settling > 0 ? `${user.settling} let-go keys` : undefined],
    ['next look', user.due_at && when(user.due_at)],
  ]
  return rows
    .flatMap(([name, value]) => (value === undefined ? [] : `${name.padEnd(18)}${indented(value)}`))
    .join('\n')
}

const indented = (text: string) => text.replaceAll('\n', `\n${' '.repeat(18)}`)

/** ISO 8601 to the second. */
export function when(iso: string): string {
  return iso.replace(/\.\d+Z$/, 'Z')
}

/** What was done, and at Seam too; ends with what an operator may overlook. */
export function changeSentences(done: string, report: ChangeReport): string {
  const { user, changed, granted, withdrawn, deleted_account_ids: deleted, client_session } = report
  // The record keeps the mark of one that was withdrawn.
  const unknown = (user.unknown_account_ids ?? []).filter((id) => user.connected_account_ids.includes(id))
  const opensNone = granted.length > 0 && granted.every((id) => unknown.includes(id))
  const accounts = [
    granted.length > 0 && `${counted(granted.length, 'account')} granted`,
    withdrawn.length > 0 && `${counted(withdrawn.length, 'account')} withdrawn`,
  ].filter((part) => part !== false)
  const what = accounts.length > 0 ? accounts.join(', ') : changed ? done : 'nothing to change'
  const takesAway = client_session === 'ended' || client_session === 'ending'
  return [
    `${shellQuoted(user.subject)}: ${what}; ${fates[opensNone && client_session === 'widened' ? 'kept' : client_session]}.`,
    report.trouble !== undefined && `  (${report.trouble})`,
    deleted.length > 0 && `  Not granted, because Seam has deleted them: ${deleted.join(', ')}`,
    unknown.length > 0 &&
      `  Unknown at Seam, so they open nothing: ${unknown.join(', ')}. Mistyped, or of another workspace?`,
    granted.length > 0 &&
      user.status !== 'active' &&
      `  The user is ${user.status}, and gets no client session.`,
    takesAway && '  What was made with its token stays: access codes, for example.',
  ]
    .filter((line) => line !== false)
    .join('\n')
}

const fates: Record<SessionFate, string> = {
  none: 'there was no client session',
  kept: 'the client session is as it was',
  widened: 'the live client session opens them now, with the same token',
  ended: 'the client session was ended at Seam',
  widening:
    'Seam could not be told to widen the live client session: will be retried with the user’s next request',
  ending: 'Seam could not be told to end the client session: will be retried by cleaning up',
}

export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
