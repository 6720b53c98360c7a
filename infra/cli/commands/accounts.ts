import type { AccountAudit } from '../../../functions/http/audit.ts'
import { AdminRefusal, type ShownUser } from '../../../functions/operator/client.ts'
import { command } from '../command.ts'
import type { ExitCode } from '../errors.ts'
import { during, spansOf } from '../holding.ts'
import { counted } from '../print.ts'
import { rangeFrom } from '../times.ts'
import { pages, type Tool } from '../tool.ts'
import { exampleAccount } from './users.ts'

/** Who has what, and who had it when. */

export const accountCommands = {
  accounts: command({
    about: 'list the connected accounts at Seam, with who holds them',
    options: { unassigned: { about: 'only those that nobody holds' } },
    examples: ['accounts --unassigned'],
    async run(tool, _, { unassigned }) {
      const { accounts } = await tool.callAdmin('accounts', { unassigned })
      return tool.list(
        accounts,
        ['connected_account_id', 'provider', 'display_name', 'holders'],
        `${counted(accounts.length, 'connected account')}.`,
      )
    },
  }),
  'lift-deletion': command({
    about: 'allow grants of an account again that Seam had deleted and shows again',
    words: { '<account>': 'the id of a connected account' },
    examples: [`lift-deletion ${exampleAccount}`],
    async run(tool, [account = '']) {
      const lifted = await tool.callAdmin('lift_deletion', { connected_account_id: account })
      return tool.show(lifted, () =>
        lifted.outcome === 'lifted'
          ? `${account} may be granted again; nobody has it back yet.`
          : `${account} is not deleted; there was nothing to do.`,
      )
    },
  }),
  who: command({
    about:
      'show who could have client sessions with an account: from (blank: before the audit log) until (blank: still)',
    words: { '<account>': 'the id of a connected account' },
    options: {
      at: { value: '<time>', about: 'only then: 2026-03-03 (a day, in UTC) or 2026-03-03T12:00:00Z' },
    },
    examples: [`who ${exampleAccount}`, `who ${exampleAccount} --at 2026-03-03`],
    run: (tool, [account = ''], { at }) => tellWho(tool, account, at),
  }),
}

/** From the audit log, and for those who held the account before it began, from the records. */
export async function tellWho(tool: Tool, account: string, at: string | undefined): Promise<ExitCode> {
  const range = at === undefined ? { start: -Infinity, end: Infinity } : rangeFrom(at)
  const { auditTrail } = await tool.reach()
  const entries: AccountAudit[] = []
  for await (const line of auditTrail(account)) if (mentions(line, account)) entries.push(line)
  const holders = await currentHolders(tool, account).catch((error: unknown) => {
    // Deleted at Seam, and known only to the log.
    const isUnknown = error instanceof AdminRefusal && error.problem.code === 'not_found'
    if (isUnknown && entries.length > 0) return []
    throw error
  })
  const known = new Set(entries.map(({ subject }) => subject))
  const unlogged = holders.filter(({ subject }) => !known.has(subject))
  const all = [...unlogged.map(({ subject }) => ({ subject })), ...spansOf(entries, account, tool.deps.now())]
  const iso = (time: number | undefined) => (time === undefined ? undefined : new Date(time).toISOString())
  const spans = during(all, range).map((span) => ({ ...span, from: iso(span.from), until: iso(span.until) }))
  const users = new Set(spans.map(({ subject }) => subject)).size
  return tool.list(
    spans,
    ['subject', 'from', 'given', 'until', 'taken'],
    `${counted(users, 'user')}${at === undefined ? '' : ` at ${at}`}.`,
  )
}

async function currentHolders(tool: Tool, connected_account_id: string): Promise<ShownUser[]> {
  const holders: ShownUser[] = []
  for await (const { users } of pages((next) => tool.callAdmin('list', { connected_account_id, ...next })))
    holders.push(...users.filter(({ status }) => status === 'active'))
  return holders
}

function mentions({ before, after }: AccountAudit, account: string): boolean {
  return [before, after].some((holding) => holding?.connected_account_ids.includes(account))
}
