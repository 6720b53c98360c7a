import { readFileSync } from 'node:fs'
import { ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ownerOf } from '../../functions/caller/owner.ts'
import { openApiDocument } from '../../functions/http/openapi.ts'
import type { User } from '../../functions/record/user.ts'
import { grant } from '../../functions/record/writes.ts'
import { vendingTable } from '../../functions/table/table.ts'
import { localDynamoDbClient } from '../../infra/local/dynamodb.ts'
import { leaksIn } from '../leaks.ts'
import { ofRoles } from './aws.ts'
import { type Deployment, deploy, type SdkUse } from './deployment.ts'
import type { LambdaFunction } from './lambda-function.ts'

describe.each<SdkUse>(['left out', 'only'])('with the AWS SDK %s', (sdk) => {
  let stack: Deployment
  let vend: LambdaFunction

  beforeAll(async () => {
    stack = await deploy(sdk)
    vend = stack.functions.vend as LambdaFunction
    stack.storeSecret('SeamApiKey', stack.seam.apiKey)
  })
  afterAll(() => stack?.close())
  afterEach(() => {
    // The permissions of the template sufficed.
    expect(stack.aws.denied).toEqual([])
  })

  const ask: Deployment['ask'] = (...call) => stack.ask(...call)

  /** As an operator's grant changes the record. */
  async function give(sub: string, connectedAccountIds: string[]) {
    const table = vendingTable(stack.table)
    const user = (await table.readUser(ownerOf(`local|${sub}`))) as User
    for (const { user_identifier_key } of Object.values(user.sessions)) stack.secrets.add(user_identifier_key)
    const next = { ...grant(user, connectedAccountIds, Date.now()), revision: 'by-the-test' }
    expect(await table.compareAndSet(user.owner, user.revision, next)).toEqual({ written: true })
  }

  async function endEnvironments() {
    await Promise.all(vend.environments.map((environment) => environment.kill()))
  }

  /** Of a process, as far as this platform tells. */
  function stateOf(pid: number | undefined): string {
    if (process.platform !== 'linux') return 'stopped'
    return /^State:.*\((.*)\)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? ''
  }

  const calls = (action: string) => stack.aws.counts[action] ?? 0
  const madeAtSeam = () => stack.seam.counts['/client_sessions/get_or_create']?.received ?? 0

  describe('the vend function as it is deployed', () => {
    it('hands out a token that reaches that user’s devices and nobody else’s', async () => {
      const [ada, ben] = stack.seam.users
      for (const user of [ada, ben]) {
        expect((await ask(`devices-${user?.sub}`)).status).toBe(201)
        await give(`devices-${user?.sub}`, user?.connected_account_ids ?? [])
        const { status, body } = await ask(`devices-${user?.sub}`)
        expect(status).toBe(200)
        const list = await fetch(`${stack.seam.url}/devices/list`, {
          method: 'POST',
          headers: { authorization: `Bearer ${body.token}` },
        })
        const { devices } = (await list.json()) as { devices: { connected_account_id: string }[] }
        const accounts = new Set(devices.map(({ connected_account_id }) => connected_account_id))
        expect([...accounts].sort()).toEqual([...(user?.connected_account_ids ?? [])].sort())
      }
    })

    it('hands out the same token again for one read of the table, from an environment that stood still', async () => {
      const first = await ask('warm')
      expect(first.status).toBe(201)
      const [environment] = vend.environments.filter(({ idle }) => idle)
      await expect.poll(() => stateOf(environment?.pid)).toBe('stopped')
      const before = { ...stack.aws.counts }
      const made = madeAtSeam()
      const coldStarts = vend.coldStarts
      const { withoutSdk } = stack.aws

      const second = await ask('warm')
      expect([second.status, second.body.token]).toEqual([200, first.body.token])
      expect(stack.aws.counts).toEqual({
        ...before,
        'dynamodb:GetItem': (before['dynamodb:GetItem'] ?? 0) + 1,
      })
      expect(stack.aws.withoutSdk).toBe(sdk === 'only' ? withoutSdk : withoutSdk + 1)
      const { sdk: toSdk, sdk_why } = JSON.parse(vend.log.at(-1) ?? '')
      expect([toSdk, sdk_why]).toEqual(sdk === 'only' ? [1, 'setting'] : [undefined, undefined])
      expect(madeAtSeam()).toBe(made)
      expect(vend.coldStarts).toBe(coldStarts)
    })

    it('starts cold without the identity provider: the keys are in the table', async () => {
      const first = await ask('cold')
      const coldStarts = vend.coldStarts
      await endEnvironments()
      stack.identityProvider.outage = 'error'
      const again = await ask('cold').finally(() => {
        stack.identityProvider.outage = undefined
      })
      expect([again.status, again.body.token]).toEqual([200, first.body.token])
      expect(vend.coldStarts).toBe(coldStarts + 1)
    })

    it('has done by its start what the first caller would wait for: their call is one read of the table', async () => {
      const { body } = await ask('first-of-a-process')
      await endEnvironments()
      const known = vend.environments.length
      const atStart: string[] = []
      const inCall: string[] = []
      stack.aws.onRequest = (action) => {
        const started = vend.environments.length > known
        ;(started ? inCall : atStart).push(action)
      }
      const again = await ask('first-of-a-process').finally(() => {
        stack.aws.onRequest = () => {}
      })
      expect([again.status, again.body.token]).toEqual([200, body.token])
      expect(inCall).toEqual(['dynamodb:GetItem'])
      // The settings, the issuer's keys, and the sealing key.
      expect(atStart.toSorted()).toEqual([
        'dynamodb:GetItem',
        'dynamodb:GetItem',
        'secretsmanager:GetSecretValue',
      ])
    })

    it('ends the client session at sign-out', async () => {
      const { body } = await ask('leaving')
      const devices = () =>
        fetch(`${stack.seam.url}/devices/list`, {
          method: 'POST',
          headers: { authorization: `Bearer ${body.token}` },
        })
      expect((await devices()).status).toBe(200)
      expect((await ask('leaving', 'DELETE')).status).toBe(204)
      expect((await devices()).status).toBe(401)
    })

    it('is followed by a new environment when it crashes', async () => {
      await ask('crash')
      const coldStarts = vend.coldStarts
      stack.aws.onRequest = () => {
        for (const environment of vend.environments) void environment.kill()
      }
      const crashed = await ask('crash').finally(() => {
        stack.aws.onRequest = () => {}
      })
      expect([crashed.status, crashed.body]).toEqual([500, { message: 'Internal Server Error' }])
      expect((await ask('crash')).status).toBe(200)
      expect(vend.coldStarts).toBe(coldStarts + 1)
    })

    it('is killed at its timeout, and followed by a new environment that knows of it', async () => {
      const made = madeAtSeam()
      const coldStarts = vend.coldStarts
      stack.seam.faults.add({ kind: 'silence', path: '/client_sessions/get_or_create', times: 1 })
      // As if it hung: by itself it would give up in time.
      const { timeout } = vend.settings
      vend.settings.timeout = 2500
      const killed = await ask('slow').finally(() => {
        vend.settings.timeout = timeout
      })
      expect([killed.status, killed.body]).toEqual([500, { message: 'Internal Server Error' }])
      // Its call may still arrive, so nobody makes another while its lease lasts.
      const next = await ask('slow')
      expect([next.status, next.body.code]).toEqual([503, 'busy'])
      expect(madeAtSeam()).toBe(made + 1)
      expect((await ask('quick')).status).toBe(201)
      expect(vend.coldStarts).toBe(coldStarts + 1)
    })

    it('may not do more than it does', async () => {
      const { AWS_ACCESS_KEY_ID = '', TABLE_NAME } = vend.settings.environment
      const client = localDynamoDbClient(stack.aws.endpoint, {
        region: 'eu-central-1',
        credentials: { accessKeyId: AWS_ACCESS_KEY_ID, ...ofRoles },
      })
      const scan = client.send(new ScanCommand({ TableName: TABLE_NAME }))
      await expect(scan).rejects.toMatchObject({ name: 'AccessDeniedException' })
      const update = new UpdateItemCommand({ TableName: TABLE_NAME, Key: { item: { S: 'run#cleanup' } } })
      await expect(client.send(update)).rejects.toMatchObject({ name: 'AccessDeniedException' })
      client.destroy()
      stack.aws.denied.length = 0
    })
  })

  describe('the front door as it is deployed', () => {
    it('lets pages of the configured origin read the answer, also when it is a refusal', async () => {
      const { status, headers, body } = await ask('origin', 'POST', { authorization: 'Bearer not-a-token' })
      expect([status, body.code]).toEqual([401, 'invalid_token'])
      expect(headers.get('access-control-allow-origin')).toBe('https://app.example')
      expect(headers.get('access-control-expose-headers')).toBe(
        'retry-after,x-request-id,www-authenticate,x-amzn-remapped-www-authenticate',
      )
      const stranger = await ask('origin', 'POST', { origin: 'https://evil.example' })
      expect(stranger.headers.get('access-control-allow-origin')).toBeNull()
    })

    it('answers preflights without starting a function', async () => {
      const invocations = vend.log.length
      const preflight = (origin: string) =>
        fetch(`${stack.api}/client-session`, {
          method: 'OPTIONS',
          headers: { origin, 'access-control-request-method': 'POST' },
        })
      const { headers } = await preflight('https://app.example')
      expect(headers.get('access-control-allow-methods')).toBe('POST,GET,DELETE')
      expect(headers.get('access-control-allow-headers')).toBe('authorization,content-type')
      expect((await preflight('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull()
      expect(vend.log).toHaveLength(invocations)
    })

    it('knows no route that no function answers', async () => {
      expect((await ask('route', 'PUT')).status).toBe(404)
      expect(await (await fetch(`${stack.api}/healthz`)).json()).toEqual({
        status: 'ok',
        version: stack.template.output('Version'),
        configuration: stack.template.output('ConfigurationHash'),
      })
      const document = await fetch(`${stack.api}/openapi.json`)
      expect(await document.json()).toEqual(JSON.parse(JSON.stringify(openApiDocument())))
    })
  })

  describe('the vend function in trouble', () => {
    beforeAll(() => stack.putBackSdk())

    it('is unavailable until there is an API key, and needs no new deployment then', async () => {
      await endEnvironments()
      stack.aws.secrets.delete(vend.settings.environment.SEAM_API_KEY_SECRET_ARN ?? '')
      const without = await ask('early').finally(() => stack.storeSecret('SeamApiKey', stack.seam.apiKey))
      expect([without.status, without.body.code]).toEqual([503, 'upstream_unavailable'])
      expect(without.headers.get('retry-after')).toBe('1')
      expect((await ask('later')).status).toBe(201)
    })

    it('answers by the SDK when the table does not, and its audit line says so', async () => {
      const { body } = await ask('broken')
      await endEnvironments()
      await ask('started')
      stack.aws.resets = 1
      const again = await ask('broken')
      expect([again.status, again.body.token]).toEqual([200, body.token])
      const why = sdk === 'only' ? 'setting' : 'no_answer'
      expect(JSON.parse(vend.log.at(-1) ?? '')).toMatchObject({ what: 'vend', sdk: 1, sdk_why: why })
    })

    it('serves who has a client session on new connections when its own have died without a word', async () => {
      const { body } = await ask('thawed')
      stack.goDeaf()
      const again = await ask('thawed')
      expect([again.status, again.body.token]).toEqual([200, body.token])
    })

    it('makes a client session at the second try at the latest when its connection to Seam has died so', async () => {
      await endEnvironments()
      expect((await ask('before')).status).toBe(201)
      stack.goDeaf()
      // Who was idle for some seconds has closed it by now.
      const first = await ask('after')
      if (first.status !== 201)
        expect([first.status, first.body.code, first.body.action]).toEqual([504, 'upstream_timeout', 'retry'])
      expect((await ask('after')).status).toBe(first.status === 201 ? 200 : 201)
    })

    it('starts while nothing answers, and its first caller hears of it', async () => {
      const { body } = await ask('outage')
      await endEnvironments()
      stack.aws.resets = 1000
      const during = await ask('outage').finally(() => {
        stack.aws.resets = 0
      })
      expect([during.status, during.body.action]).toEqual([504, 'retry'])
      const after = await ask('outage')
      expect([after.status, after.body.token]).toEqual([200, body.token])
    })
  })

  describe('the log of the deployed function', () => {
    it('has one JSON object for each decision, and no secret in any encoding', async () => {
      await ask('logged')
      await give('logged', stack.seam.spareAccountIds.slice(0, 1))
      await ask('logged')
      const audits = vend.log.map((line) => JSON.parse(line))
      expect(audits.filter(({ what }) => what === 'vend').length).toBeGreaterThanOrEqual(2)
      expect(leaksIn(vend.log.join('\n'), stack.secrets)).toEqual([])
      expect(calls('dynamodb:GetItem')).toBeGreaterThan(0)
    })
  })
})
