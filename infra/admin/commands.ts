import type { ParseArgsConfig } from 'node:util'
import type { ChangeReport, Status } from '../../functions/admin-client.ts'
import { type ExitCode, exitCodes, Misuse } from './exit-codes.ts'
import { listAccounts, listUsers, showOrphans, showSessions, tellExplanation, tellWho } from './looking.ts'
import { changeSentences, shellQuoted, userSheet } from './printing.ts'
import { drainAll, exportLines, importLines } from './streaming.ts'
import { untilFrom } from './times.ts'
import { readSecretLine, type Tool } from './tool.ts'

/** What an operator can type: a row per command. */

export interface Row {
  /** What follows the command's name. */
  usage: string
  about: string
  examples: string[]
  options?: NonNullable<ParseArgsConfig['options']>
  /** How many words may follow. */
  words: [least: number, most: number]
  run(tool: Tool, words: string[], options: Options): Promise<ExitCode>
}

export type Options = Record<string, string | boolean | undefined>

const text = { type: 'string' } as const
const flag = { type: 'boolean' } as const
const account = '6f1c0a52-2f5e-4a9a-9d4e-0d2f4c1b7a10'
const many = Number.POSITIVE_INFINITY

export const rows: Record<string, Row> = {
  show: {
    usage: '<subject>',
    about: 'what the record of a user says',
    examples: [`show 'main|ada'`],
    words: [1, 1],
    async run(tool, [subject = '']) {
      const user = await tool.callAdmin('show', { subject })
      await tool.show(user, () => userSheet(user))
      return exitCodes.done
    },
  },
  list: {
    usage: '[--status <status>] [--account <connected account>] [--limit <n>] [--after <cursor>] [--all]',
    about: 'users, fifty at a time',
    examples: ['list --status disabled', `list --account ${account} --json`, 'list --all'],
    options: { status: text, account: text, limit: text, after: text, all: flag },
    words: [0, 0],
    run: (tool, _words, { status, account, limit, after, all }) =>
      listUsers(tool, {
        ...(status !== undefined && { status: oneOf(status, ['active', 'disabled', 'removed']) }),
        ...(account !== undefined && { connected_account_id: accountId(String(account)) }),
        ...(after !== undefined && { after: String(after) }),
        limit: all ? many : limit === undefined ? 50 : wholeNumber(limit, '--limit'),
      }),
  },
  grant: {
    usage: '<subject> <connected account…> [--until <time>] [--unverified]',
    about: 'give accounts to a user, who is recorded if need be; a live token opens them at once',
    examples: [`grant 'main|ada' ${account}`, `grant 'main|guest-7' ${account} --until +30d`],
    options: { until: text, unverified: flag },
    words: [2, many],
    run: (tool, [subject = '', ...connected_account_ids], { until, unverified }) =>
      changed(tool, 'noted', () =>
        tool.callAdmin('grant', {
          subject,
          connected_account_ids: connected_account_ids.map(accountId),
          ...ending(tool, until),
          ...(unverified === true && { unverified }),
        }),
      ),
  },
  withdraw: {
    usage: '<subject> <connected account…>',
    about: 'take accounts away from a user; the live client session is ended',
    examples: [`withdraw 'main|ada' ${account}`],
    words: [2, many],
    run: (tool, [subject = '', ...connected_account_ids]) =>
      changed(tool, 'noted', () => tool.callAdmin('withdraw', { subject, connected_account_ids })),
  },
  set: {
    usage: '<subject> [connected account…] [--until <time>] [--unverified]',
    about: 'make these the user’s accounts, and no others',
    examples: [`set 'main|ada' ${account}`, `set 'main|ada'`],
    options: { until: text, unverified: flag },
    words: [1, many],
    run: (tool, [subject = '', ...connected_account_ids], { until, unverified }) =>
      changed(tool, 'noted', () =>
        tool.callAdmin('set', {
          subject,
          connected_account_ids: connected_account_ids.map(accountId),
          ...ending(tool, until),
          ...(unverified === true && { unverified }),
        }),
      ),
  },
  disable: oneSubject(
    'disable',
    'disabled',
    'end the client session of a user, and make no other until enabled',
  ),
  enable: oneSubject('enable', 'enabled', 'let a disabled user have client sessions again'),
  remove: oneSubject('remove', 'removed', 'as disable, and forget the user once Seam shows nothing of them'),
  move: {
    usage: '<from subject> <to subject>',
    about: 'a person’s new login: give it the accounts and the end date of the old one, and remove that',
    examples: [`move 'old|ada' 'main|ada'`],
    words: [2, 2],
    async run(tool, [from = '', to = '']) {
      const moved = await tool.callAdmin('move', { from, to })
      const reports = [moved.to, moved.from].filter((report) => report !== undefined)
      await tool.show(moved, () =>
        reports.length === 0
          ? `${shellQuoted(from)} is gone: it was moved before.`
          : reports
              .map((report) => changeSentences(report === moved.from ? 'removed' : 'noted', report))
              .join('\n'),
      )
      return reports.some(({ will_be_retried }) => will_be_retried) ? exitCodes.willBeRetried : exitCodes.done
    },
  },
  sessions: {
    usage: '<subject>',
    about: 'what Seam itself shows of a user’s client sessions',
    examples: [`sessions 'main|ada'`],
    words: [1, 1],
    run: (tool, [subject = '']) => showSessions(tool, subject),
  },
  'end-session': {
    usage: '<subject> | --token -',
    about: 'end a user’s client session, or that of a client session token on standard input',
    examples: [`end-session 'main|ada'`, 'end-session --token - < found-token.txt'],
    options: { token: text },
    words: [0, 1],
    async run(tool, [subject], { token }) {
      if ((subject === undefined) === (token === undefined))
        throw new Misuse('end-session: give a subject, or --token - and the token on standard input.')
      if (subject !== undefined)
        return changed(tool, 'noted', () => tool.callAdmin('end_session', { subject }))
      if (token !== '-')
        throw new Misuse(
          'end-session: give the token on standard input, with --token -; an argument can be seen by others.',
        )
      return endFoundToken(tool)
    },
  },
  'sign-out-everywhere': oneSubject(
    'sign_out_everywhere',
    'signed out everywhere',
    'refuse the bearer tokens issued to a user so far, and end the client session',
  ),
  accounts: {
    usage: '[--unassigned]',
    about: 'the connected accounts at Seam, with who holds them',
    examples: ['accounts --unassigned'],
    options: { unassigned: flag },
    words: [0, 0],
    run: (tool, _words, { unassigned }) => listAccounts(tool, unassigned === true),
  },
  who: {
    usage: '<connected account> [--at <time>]',
    about: 'who could have client sessions with an account, and when, from the audit log',
    examples: [`who ${account}`, `who ${account} --at 2026-03-03`],
    options: { at: text },
    words: [1, 1],
    run: (tool, [account = ''], { at }) =>
      tellWho(tool, accountId(account), at === undefined ? undefined : String(at)),
  },
  explain: {
    usage: '[--stage <stage>]',
    about: 'the first thing that is wrong with a bearer token on standard input, or its user and the verdict',
    examples: ['explain < token.txt', 'explain --stage prod < token.txt'],
    options: { stage: text },
    words: [0, 0],
    run: (tool) => tellExplanation(tool),
  },
  import: {
    usage: '[file] [--replace] [--dry-run]',
    about:
      'users from NDJSON (a file, or standard input): {"subject", "connected_account_ids", "status"?, "access_until"?}',
    examples: ['import users.ndjson --replace --dry-run', 'import < users.ndjson'],
    options: { replace: flag, 'dry-run': flag },
    words: [0, 1],
    run: (tool, [file], options) =>
      importLines(tool, file, { replace: options.replace === true, dry_run: options['dry-run'] === true }),
  },
  export: {
    usage: '',
    about: 'all users as NDJSON, as import takes them',
    examples: ['export > users.ndjson'],
    words: [0, 0],
    run: (tool) => exportLines(tool),
  },
  orphans: {
    usage: '[--delete]',
    about:
      'our client sessions that no record names, after a restore; deletes those seen an hour ago as well',
    examples: ['orphans', 'orphans --delete'],
    options: { delete: flag },
    words: [0, 0],
    run: (tool, _words, options) => showOrphans(tool, options.delete === true),
  },
  drain: {
    usage: '',
    about: 'end every client session we own, as before destroying the stack; close vending first',
    examples: ['drain'],
    words: [0, 0],
    run: (tool) => drainAll(tool),
  },
}

function oneSubject(
  command: 'disable' | 'enable' | 'remove' | 'sign_out_everywhere',
  done: string,
  about: string,
): Row {
  const name = command.replaceAll('_', '-')
  return {
    usage: '<subject>',
    about,
    examples: [`${name} 'main|ada'`],
    words: [1, 1],
    run: (tool, [subject = '']) => changed(tool, done, () => tool.callAdmin(command, { subject })),
  }
}

async function changed(tool: Tool, done: string, call: () => Promise<ChangeReport>): Promise<ExitCode> {
  const report = await call()
  await tool.show(report, () => changeSentences(done, report))
  return report.will_be_retried ? exitCodes.willBeRetried : exitCodes.done
}

async function endFoundToken(tool: Tool): Promise<ExitCode> {
  const token = await readSecretLine(tool.streams, 'client session token')
  const ended = await tool.callAdmin('end_token', { token })
  const whose =
    ended.subject === undefined ? 'of nobody that a record knows' : `of ${shellQuoted(ended.subject)}`
  const sentences = {
    dead: 'Seam accepts this token no more; there was nothing to end.',
    ended: `The client session ${ended.client_session_id} ${whose} was ended at Seam; what was made with its token stays.`,
    ending: `The client session ${ended.client_session_id} ${whose}: Seam could not be told to end it; will be retried, or run this again.`,
    not_ours: `The client session ${ended.client_session_id} was not made by this service; nothing was done. End it where it was made.`,
  }
  await tool.show(ended, () => sentences[ended.outcome])
  if (ended.outcome === 'not_ours') return exitCodes.refused
  return ended.outcome === 'ending' ? exitCodes.willBeRetried : exitCodes.done
}

/** Seam's are UUIDs: a slip of the hand should not become a record, which would leave its user without the account. */
function accountId(word: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(word)) return word
  throw new Misuse(`${JSON.stringify(word)} is no connected account's id; \`accounts\` shows them.`)
}

function ending(tool: Tool, until: Options[string]): { access_until?: string | null } {
  return until === undefined ? {} : { access_until: untilFrom(String(until), tool.now()) }
}

function oneOf(value: Options[string], allowed: Status[]): Status {
  const found = allowed.find((one) => one === value)
  if (found === undefined) throw new Misuse(`--status: give one of ${allowed.join(', ')}.`)
  return found
}

function wholeNumber(value: Options[string], option: string): number {
  if (/^[1-9]\d{0,6}$/.test(String(value))) return Number(value)
  throw new Misuse(`${option}: give a whole number from 1.`)
}
