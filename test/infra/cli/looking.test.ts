import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import type { AccountAudit } from '../../../functions/http/audit.ts'
import { AdminRefusal } from '../../../functions/operator/client.ts'
import { tellWho } from '../../../infra/cli/commands/accounts.ts'
import { Tool } from '../../../infra/cli/tool.ts'
import { heard } from '../../leaks.ts'

const account = '6f1c0a52-2f5e-4a9a-9d4e-0d2f4c1b7a10'
const granted: AccountAudit = {
  what: 'account',
  act: 'grant',
  by: 'root',
  at: Date.UTC(2026, 0, 1),
  owner: 'o',
  subject: 'main|ada',
  after: { status: 'active', connected_account_ids: [account] },
}

/** A tool whose admin function answers so, and whose audit log has these lines. */
async function who(problem: { code: string; action: string }, lines: AccountAudit[]) {
  const [stdout, stderr] = [heard(new PassThrough()), heard(new PassThrough())]
  const streams = { stdin: Readable.from([]), stdout, stderr }
  const tool = Object.assign(new Tool({}, true, {}, streams, { now: () => Date.UTC(2026, 0, 2) }), {
    callAdmin: () => Promise.reject(new AdminRefusal({ title: 'No.', ...problem }, 'r')),
    reach: async () => ({ auditTrail: () => lines }),
  })
  const code = await tellWho(tool, account, undefined)
  stdout.end()
  return { code, out: await text(stdout) }
}

const notFound = { code: 'not_found', action: 'fix_request' }

test('an account that only the log knows, as after a restore of the table, is told from the log', async () => {
  const { code, out } = await who(notFound, [granted])
  expect([code, JSON.parse(out)]).toMatchObject([
    0,
    { subject: 'main|ada', from: '2026-01-01T00:00:00.000Z' },
  ])
})

test('an account that the log does not know either is not found', async () => {
  await expect(who(notFound, [])).rejects.toMatchObject({ problem: { code: 'not_found' } })
})

test('an outage is told, whatever the log says', async () => {
  const outage = { code: 'upstream_unavailable', action: 'retry' }
  await expect(who(outage, [granted])).rejects.toMatchObject({ problem: outage })
})
