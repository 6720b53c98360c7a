import { AdminRefusal, type Explanation, type Params, type ShownUser } from '../../functions/admin-client.ts'
import type { AccountAudit } from '../../functions/log.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import { during, type Span, spansOf } from './holding.ts'
import { counted, shellQuoted, table, userHeadings, userRow, when } from './printing.ts'
import { rangeFrom } from './times.ts'
import { readSecretLine, type Tool, writeTo } from './tool.ts'

/** The commands that only look. For a program each item is a line of JSON; for people all are one table. */

export async function listUsers(tool: Tool, params: Params<'list'> & { limit: number }): Promise<ExitCode> {
  const { limit, ...filter } = params
  const users: ShownUser[] = []
  let count = 0
  let after = filter.after
  do {
    const pageSize = Math.min(200, limit - count)
    const page = await tool.callAdmin('list', {
      ...filter,
      limit: pageSize,
      ...(after !== undefined && { after }),
    })
    after = page.after
    count += page.users.length
    // A table is as wide as its widest row, so it waits for all of them.
    if (tool.json) await printLines(tool, page.users)
    else users.push(...page.users)
  } while (after !== undefined && count < limit)
  users.sort((one, other) => (one.subject < other.subject ? -1 : 1))
  if (!tool.json) await printTable(tool, userHeadings, users.map(userRow))
  tool.note(
    `${counted(count, 'user')}.${after === undefined ? '' : ` More: add --after ${shellQuoted(after)}, or --all.`}`,
  )
  return exitCodes.done
}

export async function showSessions(tool: Tool, subject: string): Promise<ExitCode> {
  const { client_sessions } = await tool.callAdmin('sessions', { subject })
  if (tool.json) await printLines(tool, client_sessions)
  else
    await printTable(
      tool,
      ['CLIENT SESSION', 'STATE', 'MADE', 'ENDS', 'ACCOUNTS', 'TOKEN SHA-256'],
      client_sessions.map((one) => [
        one.client_session_id,
        one.state.replace('_', ' '),
        when(one.created_at),
        when(one.expires_at),
        String(one.connected_account_ids.length),
        `${one.token_sha256}…`,
      ]),
    )
  tool.note(`${counted(client_sessions.length, 'client session')} at Seam.`)
  return exitCodes.done
}

export async function listAccounts(tool: Tool, unassigned: boolean): Promise<ExitCode> {
  const { accounts } = await tool.callAdmin('accounts', { unassigned })
  if (tool.json) await printLines(tool, accounts)
  else
    await printTable(
      tool,
      ['CONNECTED ACCOUNT', 'PROVIDER', 'NAME', 'HELD BY'],
      accounts.map(({ connected_account_id, provider = '', display_name = '', holders }) => [
        connected_account_id,
        provider,
        display_name,
        holders.map(shellQuoted).join(' '),
      ]),
    )
  tool.note(`${counted(accounts.length, 'connected account')}.`)
  return exitCodes.done
}

export async function showOrphans(tool: Tool, remove: boolean): Promise<ExitCode> {
  const { orphans, looked_at } = await tool.callAdmin('orphans', { delete: remove })
  if (tool.json) await printLines(tool, orphans)
  else
    await printTable(
      tool,
      ['CLIENT SESSION', 'OWNER', 'MADE', 'ENDS', 'FIRST SEEN', 'STATE'],
      orphans.map((one) => [
        one.client_session_id,
        one.owner,
        when(one.created_at),
        when(one.expires_at),
        when(one.first_seen_at),
        one.state.replaceAll('_', ' '),
      ]),
    )
  tool.note(
    `${counted(orphans.length, 'orphan')} among ${counted(looked_at, 'client session')} under our prefix.`,
  )
  if (orphans.some(({ state }) => state === 'just_seen'))
    tool.note(
      'Those just seen may be deleted an hour after they were first seen: run `orphans --delete` then.',
    )
  return orphans.some(({ state }) => state === 'not_deleted') ? exitCodes.unavailable : exitCodes.done
}

/** From the audit log, and for those who held the account before it began, from the records. */
export async function tellWho(tool: Tool, accountId: string, at: string | undefined): Promise<ExitCode> {
  const range = at === undefined ? undefined : rangeFrom(at)
  const entries: AccountAudit[] = []
  for await (const line of tool.auditTrail(accountId)) if (mentions(line, accountId)) entries.push(line)
  const holders = await currentHolders(tool, accountId).catch((error: unknown) => {
    // Deleted at Seam, and known to the log alone.
    const isUnknown = error instanceof AdminRefusal && error.problem.code === 'not_found'
    if (isUnknown && entries.length > 0) return []
    throw error
  })
  const known = new Set(entries.map(({ subject }) => subject))
  const logged = spansOf(entries, accountId, tool.now())
  const unlogged = holders.filter(({ subject }) => !known.has(subject))
  const all: Span[] = [...unlogged.map(({ subject }) => ({ subject })), ...logged]
  const spans = range === undefined ? all : during(all, range)

  const time = (ms: number | undefined, none: string) =>
    ms === undefined ? none : when(new Date(ms).toISOString())
  if (tool.json)
    await printLines(
      tool,
      spans.map(({ from, until, ...rest }) => ({
        ...rest,
        ...(from !== undefined && { from: new Date(from).toISOString() }),
        ...(until !== undefined && { until: new Date(until).toISOString() }),
      })),
    )
  else
    await printTable(
      tool,
      ['SUBJECT', 'FROM', 'GIVEN', 'UNTIL', 'TAKEN'],
      spans.map(({ subject, from, until, given = '', taken = '' }) => [
        shellQuoted(subject),
        time(from, 'before the log'),
        given,
        time(until, 'still'),
        taken,
      ]),
    )
  tool.note(
    `${counted(new Set(spans.map(({ subject }) => subject)).size, 'user')}${at === undefined ? '' : ` at ${at}`}.`,
  )
  return exitCodes.done
}

async function currentHolders(tool: Tool, connected_account_id: string): Promise<ShownUser[]> {
  const holders: ShownUser[] = []
  let after: string | undefined
  do {
    const page = await tool.callAdmin('list', { connected_account_id, ...(after !== undefined && { after }) })
    holders.push(...page.users.filter(({ status }) => status === 'active'))
    after = page.after
  } while (after !== undefined)
  return holders
}

function mentions({ before, after }: AccountAudit, accountId: string): boolean {
  return [before, after].some((holding) => holding?.connected_account_ids.includes(accountId))
}

export async function tellExplanation(tool: Tool): Promise<ExitCode> {
  const token = await readSecretLine(tool.streams, 'bearer token')
  const explanation = await tool.callAdmin('explain', { token })
  await tool.show(explanation, () => explained(explanation))
  const handedOut =
    explanation.accepted && (explanation.verdict !== undefined || explanation.record === 'not_looked_up')
  return handedOut ? exitCodes.done : exitCodes.refused
}

function explained(explanation: Explanation): string {
  if (!explanation.accepted) return `Not accepted (${explanation.reason}). ${explanation.sentence}`
  const { subject, issuer, issued_at, verdict, sentence } = explanation
  const issued = issued_at === undefined ? '' : `, issued ${when(issued_at)}`
  return [
    `Accepted: ${shellQuoted(subject)}, of the issuer ${issuer}${issued}.`,
    `${sentence}${verdict === undefined ? '' : ` (${verdict})`}`,
  ].join('\n')
}

async function printLines(tool: Tool, items: object[]): Promise<void> {
  for (const item of items) await writeTo(tool.streams.stdout, `${JSON.stringify(item)}\n`)
}

async function printTable(tool: Tool, headings: string[], rows: string[][]): Promise<void> {
  if (rows.length > 0) await writeTo(tool.streams.stdout, `${table(headings, rows)}\n`)
}
