import type { ChangeReport, Params, SessionFate, ShownUser } from '../../../functions/operator/client.ts'
import { type Command, command } from '../command.ts'
import { type ExitCode, exitCodes } from '../errors.ts'
import { counted, sheet, shellQuoted } from '../print.ts'
import { untilFrom } from '../times.ts'
import { pages, type Tool } from '../tool.ts'

/** One user at a time, and the list of them. */

export const exampleAccount = '6f1c0a52-2f5e-4a9a-9d4e-0d2f4c1b7a10'
export const subjectWord = { '<subject>': "the whole subject, such as 'main|ada'" }
const accountWords = { '<account...>': 'ids of connected accounts; `accounts` shows them' }

export const userCommands = {
  show: command({
    about: 'show the record of a user',
    words: subjectWord,
    examples: [`show 'main|ada'`],
    async run(tool, [subject = '']) {
      const user = await tool.callAdmin('show', { subject })
      return tool.show(user, () => userSheet(user))
    },
  }),
  list: command({
    about: 'list users, fifty at a time',
    options: {
      status: { value: '<status>', choices: ['active', 'disabled', 'removed'], about: 'only these' },
      account: { value: '<account>', about: 'only those who have this connected account' },
      limit: { value: '<number>', about: 'how many (50)' },
      after: { value: '<cursor>', about: 'continue where the last page ended' },
      all: { about: 'every user' },
    },
    examples: ['list --status disabled', `list --account ${exampleAccount} --json`, 'list --all'],
    run: (tool, _, { status, account, after, limit = '50', all }) => {
      const params = { status, connected_account_id: account, after }
      return listUsers(tool, params, all ? Number.POSITIVE_INFINITY : Number(limit))
    },
  }),
  grant: granting('grant', {
    about: 'give accounts to a user; a new user is recorded, live tokens open them at once',
    words: accountWords,
    examples: [`grant 'main|ada' ${exampleAccount}`, `grant 'main|guest-7' ${exampleAccount} --until +30d`],
  }),
  withdraw: command({
    about: 'take accounts away from a user, whose client sessions are ended',
    words: { ...subjectWord, ...accountWords },
    examples: [`withdraw 'main|ada' ${exampleAccount}`],
    run: (tool, [subject = '', ...connected_account_ids]) =>
      changed(tool, 'recorded', tool.callAdmin('withdraw', { subject, connected_account_ids })),
  }),
  set: granting('set', {
    about: 'make these the user’s accounts, and no others',
    words: { '[account...]': 'ids of connected accounts; none takes all away' },
    examples: [`set 'main|ada' ${exampleAccount}`, `set 'main|ada'`],
  }),
  'set-identity': command({
    about: 'set a user’s Seam user identity, or none; another one ends their client sessions',
    words: { ...subjectWord, '<identity>': 'the id of a user identity at Seam, or none' },
    examples: [`set-identity 'main|ada' ${exampleAccount}`, `set-identity 'main|ada' none`],
    run(tool, [subject = '', identity = '']) {
      const user_identity_id = identity === 'none' ? null : identity
      return changed(tool, 'recorded', tool.callAdmin('set_identity', { subject, user_identity_id }))
    },
  }),
  disable: oneSubject('disable', 'disabled', 'end a user’s client sessions, and make none until enabled'),
  enable: oneSubject('enable', 'enabled', 'let a disabled user have client sessions again'),
  remove: oneSubject(
    'remove',
    'removed',
    'as disable, and take all accounts away; a grant makes them active again',
  ),
  move: command({
    about: 'give a person’s new login the accounts and end date of the old one, which is removed',
    words: { '<from>': 'the old subject', '<to>': 'the new subject' },
    examples: [`move 'old|ada' 'main|ada'`],
    async run(tool, [from = '', to = '']) {
      const moved = await tool.callAdmin('move', { from, to })
      const given = moved.to && changeSentences('recorded', moved.to)
      const removed = moved.from && changeSentences('removed', moved.from)
      const done = [given, removed].filter(Boolean).join('\n')
      const isLeft = moved.to?.will_be_retried || moved.from?.will_be_retried
      const exitCode = isLeft ? exitCodes.willBeRetried : exitCodes.done
      return tool.show(moved, () => done || `${shellQuoted(from)} is gone: it was moved before.`, exitCode)
    },
  }),
}

export function oneSubject(
  name: 'disable' | 'enable' | 'remove' | 'sign_out_everywhere',
  done: string,
  about: string,
) {
  return command({
    about,
    words: subjectWord,
    examples: [`${name.replaceAll('_', '-')} 'main|ada'`],
    run: (tool, [subject = '']) => changed(tool, done, tool.callAdmin(name, { subject })),
  })
}

/** Prints what a change came to. */
export async function changed(tool: Tool, done: string, call: Promise<ChangeReport>): Promise<ExitCode> {
  const report = await call
  const exitCode = report.will_be_retried ? exitCodes.willBeRetried : exitCodes.done
  return tool.show(report, () => changeSentences(done, report), exitCode)
}

function granting(name: 'grant' | 'set', row: Pick<Command, 'about' | 'words' | 'examples'>) {
  return command({
    ...row,
    words: { ...subjectWord, ...row.words },
    options: {
      until: { value: '<time>', about: 'when access ends: 2026-03-31T12:00:00Z, +30d (from now), or never' },
      unverified: { about: 'also accounts that Seam does not know' },
    },
    async run(tool, [subject = '', ...connected_account_ids], { until, unverified }) {
      const access_until = until === undefined ? undefined : untilFrom(until, tool.deps.now())
      const params = { subject, connected_account_ids, access_until, unverified }
      return changed(tool, 'recorded', tool.callAdmin(name, params))
    },
  })
}

async function listUsers(tool: Tool, params: Params<'list'>, limit: number): Promise<ExitCode> {
  const users: ShownUser[] = []
  const progress = limit === Number.POSITIVE_INFINITY ? tool.progress('list') : undefined
  let count = 0
  let { after } = params
  const ask = (next: { after?: string }) =>
    tool.callAdmin('list', { ...params, limit: Math.min(200, limit - count), ...next })
  for await (const page of pages(ask)) {
    after = page.after
    count += page.users.length
    progress?.tell(count)
    // A table is as wide as its widest row, so it waits for all of them.
    if (tool.json) await tool.list(page.users, userColumns)
    else users.push(...page.users)
    if (count >= limit) break
  }
  users.sort((one, other) => (one.subject < other.subject ? -1 : 1))
  const more = after === undefined ? '' : ` More: add --after ${shellQuoted(after)}, or --all.`
  return tool.list(users, userColumns, `${counted(count, 'user')}.${more}`)
}

const userColumns: (keyof ShownUser)[] = [
  'subject',
  'status',
  'connected_account_ids',
  'access_until',
  'client_session',
  'unconfirmed',
  'purged_at',
]

function userSheet({ client_session: _, client_sessions, ...user }: ShownUser): string {
  return [user, ...client_sessions].map(sheet).join('\n\n')
}

/** What was done, and at Seam too; ends with what an operator may overlook. */
function changeSentences(done: string, report: ChangeReport): string {
  const { user, granted, withdrawn, deleted_account_ids: deleted, client_session } = report
  // The record keeps the mark of one that was withdrawn.
  const unknown = (user.unknown_account_ids ?? []).filter((id) => user.connected_account_ids.includes(id))
  const opensNone = granted.length > 0 && granted.every((id) => unknown.includes(id))
  const saysMore = done !== 'recorded' || granted.length + withdrawn.length === 0
  const parts = [
    report.changed && saysMore && done,
    granted.length > 0 && `${counted(granted.length, 'account')} granted`,
    withdrawn.length > 0 && `${counted(withdrawn.length, 'account')} withdrawn`,
  ]
  const what = parts.filter(Boolean).join(', ') || 'nothing to change'
  const takesAway = client_session === 'ended' || client_session === 'ending'
  const lines = [
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
  return lines.filter(Boolean).join('\n')
}

const fates: Record<SessionFate, string> = {
  none: 'there was no client session',
  kept: 'client sessions are as they were',
  widened: 'live client sessions open them now, with the same tokens',
  ended: 'client sessions were ended at Seam',
  widening:
    'Seam could not be told to widen live client sessions: will be retried with the user’s next request',
  ending: 'Seam could not be told to end client sessions: will be retried by cleanup',
}
