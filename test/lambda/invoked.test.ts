import { UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ownerOf } from '../../functions/caller/owner.ts'
import type { CleanupReport } from '../../functions/cleanup/report.ts'
import { type AdminRequest, adminCaller } from '../../functions/operator/client.ts'
import { keys } from '../../functions/table/keys.ts'
import { type Deployment, deploy, sdkUses } from './deployment.ts'

/** The functions that are invoked without HTTP: by the schedule, and by operators. */

describe.each(sdkUses)('with the AWS SDK %s', (sdk) => {
  let stack: Deployment
  beforeAll(async () => {
    stack = await deploy(sdk)
    stack.storeSecret('SeamApiKey', stack.seam.apiKey)
  })
  afterAll(() => stack?.close())
  afterEach(() => {
    // The permissions of the template sufficed.
    expect(stack.aws.denied).toEqual([])
  })

  async function cleanUp(event: unknown = {}): Promise<CleanupReport> {
    const outcome = await stack.functions.cleanup?.invoke(event)
    if (outcome === undefined || 'errorType' in outcome) throw new Error(JSON.stringify(outcome))
    return outcome.value as CleanupReport
  }

  const callAdmin = adminCaller({
    by: 'the test',
    async send(payload) {
      const request: AdminRequest = JSON.parse(payload)
      const outcome = await stack.functions.admin?.invoke(request)
      if (outcome === undefined || 'errorType' in outcome) throw new Error(JSON.stringify(outcome))
      return JSON.stringify(outcome.value)
    },
  })

  async function works(token: string): Promise<boolean> {
    const headers = { authorization: `Bearer ${token}` }
    return (await fetch(`${stack.seam.url}/devices/list`, { method: 'POST', headers })).ok
  }

  describe('the cleanup function as it is deployed', () => {
    it('ends a client session that has reached its longest age', async () => {
      const { body } = await stack.ask('aged')
      const { client, tableName: TableName } = stack.table
      await client.send(
        new UpdateItemCommand({
          TableName,
          Key: { item: { S: keys.user(ownerOf('local|aged')) } },
          UpdateExpression:
            'SET sessions.#shared.created_at = :long_ago, due_at = :long_ago, revision = :other',
          ExpressionAttributeNames: { '#shared': 'shared' },
          ExpressionAttributeValues: { ':long_ago': { N: '0' }, ':other': { S: 'by-the-test' } },
        }),
      )
      expect(await cleanUp({ dry_run: true })).toMatchObject({ dry_run: true, ended: { longest_age: 1 } })
      expect(await works(body.token)).toBe(true)
      expect(await cleanUp()).toMatchObject({
        dry_run: false,
        ended: { longest_age: 1 },
        failed: 0,
        alarms: [],
      })
      expect(await works(body.token)).toBe(false)
    })

    it('looks at every record when an operator says so', async () => {
      await stack.ask('anybody')
      const { looked_at } = await cleanUp({ all_users: true })
      expect(looked_at).toBeGreaterThan(0)
    })

    it('refuses an order that it does not know, rather than run', async () => {
      const outcome = await stack.functions.cleanup?.invoke({ dry_rum: true })
      expect(outcome).toMatchObject({ errorType: 'Error' })
    })
  })

  describe('the admin function as it is deployed', () => {
    it('gives a user accounts, takes them away, and says what became of the client session', async () => {
      const [account = ''] = stack.seam.spareAccountIds
      const granting = { subject: 'local|eve', connected_account_ids: [account] }
      expect(await callAdmin('grant', granting)).toMatchObject({ changed: true, granted: [account] })
      const { body } = await stack.ask('eve')
      expect(await works(body.token)).toBe(true)
      expect(await callAdmin('withdraw', granting)).toMatchObject({
        withdrawn: [account],
        client_session: 'ended',
      })
      expect(await works(body.token)).toBe(false)
    })

    it('lists, explains and looks after orphans within its permissions', async () => {
      await stack.ask('looked-at')
      const { users } = await callAdmin('list', {})
      expect(users.map(({ subject }) => subject)).toContain('local|looked-at')
      expect(await callAdmin('orphans', {})).toMatchObject({ orphans: [] })
      const [bearer = ''] = [...stack.secrets].filter((secret) => secret.startsWith('eyJ'))
      expect(await callAdmin('explain', { token: bearer })).toBeDefined()
    })

    it('leaves a line in the audit log for each change', async () => {
      const [account = ''] = stack.seam.spareAccountIds
      await callAdmin('grant', { subject: 'local|audited', connected_account_ids: [account] })
      const lines = (stack.functions.admin?.log ?? []).map((line) => JSON.parse(line))
      expect(lines.filter(({ subject }) => subject === 'local|audited')).toMatchObject([
        { what: 'account', act: 'grant', by: 'the test', after: { connected_account_ids: [account] } },
      ])
    })
  })

  describe('the logs of the deployed functions', () => {
    it('hold JSON objects, and no secret', async () => {
      await stack.ask('logged')
      await callAdmin('disable', { subject: 'local|logged' })
      await cleanUp()
      const log = Object.values(stack.functions).flatMap((it) => it.log)
      for (const line of log) expect(typeof JSON.parse(line)).toBe('object')
      for (const secret of stack.secrets) expect(log.some((line) => line.includes(secret))).toBe(false)
    })
  })
})
