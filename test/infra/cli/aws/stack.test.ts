import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { runProgram } from '../../../../infra/cli/program.ts'
import { type Cloud, FunctionError, someOutputs, startCloud, withoutFiles } from './cloud.ts'
import { run, runHere } from './command.ts'

let cloud: Cloud
beforeAll(async () => {
  cloud = await startCloud()
  cloud.stacks.set('doors', someOutputs({ AuditLogGroups: 'admin-log,webhook-log,connect-log' }))
  for (const group of ['admin-log', 'webhook-log', 'connect-log']) cloud.logs.set(group, [])
  cloud.functions.set('the-AdminFunction', async () => nobody)
  cloud.functions.set('the-CleanupFunction', async () => report)
})
afterAll(() => cloud.close())
afterEach(() => {
  cloud.denied.clear()
  cloud.failures.length = 0
  cloud.calls.length = 0
  cloud.functions.set('the-AdminFunction', async () => nobody)
})

const nobody = { version: 1, request_id: 'r', result: { users: [] } }
const report = {
  started_at: 1,
  dry_run: true,
  all_users: false,
  looked_at: 3,
  ended: { let_go: 1 },
  already_gone: 0,
  strays_ended: 0,
  settled: 0,
  accounts_settled: 0,
  accounts_checked: 0,
  unconfirmed: [],
  failed: 0,
  failures: {},
  given_up: [],
  held_back: 0,
  left_for_next_time: 0,
  oldest_backlog: 0,
  took: 12,
  alarms: [] as string[],
}
const admin = (words: string[], environment = cloud.environment) =>
  runHere((streams) => runProgram(words, environment, streams), environment)
const list = (environment = cloud.environment) => admin(['list', '--stack', 'doors'], environment)

describe('a command with --stack', () => {
  test('needs the name alone', async () => {
    const { code, err } = await list()
    expect([code, err]).toEqual([0, '0 users.\n'])
    expect(cloud.calls).toEqual(['cloudformation:DescribeStacks', 'lambda:InvokeFunction'])
  })

  test('takes the region as AWS’s command line does', async () => {
    const { AWS_REGION = '', ...others } = cloud.environment
    expect((await list({ ...others, AWS_DEFAULT_REGION: AWS_REGION })).code).toBe(0)
    const nowhere = await list(others)
    expect([nowhere.code, nowhere.err]).toEqual([4, expect.stringContaining('set AWS_REGION')])
  })

  test('says where to sign in when there are no credentials', async () => {
    const { AWS_ENDPOINT_URL = '', AWS_REGION = '' } = cloud.environment
    const { code, err } = await list({ AWS_ENDPOINT_URL, AWS_REGION, ...withoutFiles })
    expect([code, err.split(':')[0]]).toEqual([4, 'There are no AWS credentials'])
    expect(cloud.calls).toEqual([])
  })

  test('says that there is no such stack, or no vending machine in it', async () => {
    const { code, err } = await admin(['list', '--stack', 'windows'])
    expect([code, err]).toEqual([2, expect.stringContaining('no stack "windows" in eu-central-1')])
    const { Table, ...older } = someOutputs()
    cloud.stacks.set('older', older as typeof older & { Table: string })
    const old = await admin(['list', '--stack', 'older'])
    expect([old.code, old.err]).toEqual([2, expect.stringContaining('deploy it')])
  })

  test.each(['cloudformation:DescribeStacks', 'lambda:InvokeFunction'])(
    'says which permission is missing: %s',
    async (action) => {
      cloud.denied.add(action)
      const { code, out, err } = await list()
      expect([code, out]).toEqual([4, ''])
      expect(err).toContain(action)
    },
  )

  test.each([
    ['credentials that are over', 'ExpiredTokenException', 400, 4, 'Sign in again'],
    ['too many calls', 'ThrottlingException', 400, 6, 'Try again'],
    ['an outage', 'ServiceUnavailable', 503, 6, 'Try again'],
    ['anything else', 'NeverSeenException', 400, 4, 'NeverSeenException'],
  ])('tells what to do about %s, in one line', async (_, name, status, code, sentence) => {
    cloud.failures.push({ name, status })
    const said = await list()
    expect([said.code, said.out]).toEqual([code, ''])
    expect(said.err).toMatch(/^[^\n]+\n$/)
    expect(said.err).toContain(sentence)
    expect(said.err).not.toContain('said by AWS')
  })

  test('tells when AWS cannot be reached at all', async () => {
    const { code, err } = await list({ ...cloud.environment, AWS_ENDPOINT_URL: 'http://127.0.0.1:1' })
    expect([code, err]).toEqual([6, expect.stringContaining('could not be reached')])
  })

  test('tells when the function ended without an answer, and not what it said', async () => {
    cloud.functions.set('the-AdminFunction', async () => {
      throw new FunctionError('Sandbox.Timedout')
    })
    const { code, err } = await list()
    expect([code, err]).toEqual([6, expect.stringContaining('(Sandbox.Timedout)')])
    expect(err).not.toContain('said by the function')
  })

  test('passes on what the function refuses, with its exit code', async () => {
    const problem = { code: 'not_found', title: 'There is no such user.', action: 'stop' }
    cloud.functions.set('the-AdminFunction', async () => ({ version: 1, request_id: 'r', problem }))
    expect(await admin(['show', 'main|ada', '--stack', 'doors'])).toMatchObject({ code: 3, out: '' })
  })
})

describe('who, from the audit log of a stack', () => {
  const account = '6f1c0a52-2f5e-4a9a-9d4e-0d2f4c1b7a10'
  const holding = (...connected_account_ids: string[]) => ({ status: 'active', connected_account_ids })
  const given = (owner: string, subject: string, at: number, by: string) =>
    JSON.stringify({
      what: 'account',
      act: 'grant',
      by,
      at,
      owner,
      subject,
      before: holding(),
      after: holding(account),
    })
  const spans = async () => {
    const { code, out, err } = await admin(['who', account, '--json', '--stack', 'doors'])
    expect([code, err.split(' ')[1]?.slice(0, 4)]).toEqual([0, 'user'])
    return out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  }

  test('reads every page of every group, in the order of time', async () => {
    const others = Array(7).fill(JSON.stringify({ what: 'admin', command: 'list' }))
    cloud.logs.set('admin-log', [...others, given('o1', 'main|late', 2000, 'eve'), 'START no JSON'])
    cloud.logs.set('webhook-log', [given('o2', 'main|early', 1000, 'seam')])
    expect(await spans()).toMatchObject([
      { subject: 'main|early', given: 'grant by seam' },
      { subject: 'main|late', given: 'grant by eve' },
    ])
    const reads = cloud.calls.filter((call) => call === 'logs:FilterLogEvents')
    expect(reads).toHaveLength(5 + 1 + 1)
  })

  test('says which permission is missing', async () => {
    cloud.denied.add('logs:FilterLogEvents')
    const { code, err } = await admin(['who', account, '--stack', 'doors'])
    expect([code, err]).toEqual([4, expect.stringContaining('logs:FilterLogEvents')])
  })
})

describe('cleanup with --stack', () => {
  const cleanup = (words: string[]) => run(['cleanup', '--stack', 'doors', ...words], cloud.environment)

  test('orders what was typed, and prints the report', async () => {
    const orders: unknown[] = []
    cloud.functions.set('the-CleanupFunction', async (order) => {
      orders.push(order)
      return report
    })
    const plan = await cleanup(['--dry-run'])
    expect([plan.code, plan.out]).toEqual([0, expect.stringContaining('nothing was changed')])
    const run = await cleanup(['--all-users', '--override-fuse', '--json'])
    expect(JSON.parse(run.out)).toEqual(report)
    expect(orders).toEqual([{ dry_run: true }, { all_users: true, override_fuse: true }])
  })

  test('reads the report of an earlier version, which counts less', async () => {
    const { accounts_settled, accounts_checked, unconfirmed, ...older } = report
    cloud.functions.set('the-CleanupFunction', async () => older)
    const { code, out, err } = await cleanup([])
    expect([code, out, err]).toEqual([0, expect.stringMatching(/^accounts checked +0$/m), ''])
  })

  test('ends with 1 when somebody should look, and says what AWS refuses', async () => {
    cloud.functions.set('the-CleanupFunction', async () => ({ ...report, alarms: ['failed'] }))
    expect((await cleanup([])).code).toBe(1)
    cloud.denied.add('lambda:InvokeFunction')
    const { code, err } = await cleanup([])
    expect([code, err]).toEqual([4, expect.stringContaining('lambda:InvokeFunction')])
  })
})
