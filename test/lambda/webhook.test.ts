import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { leaksIn } from '../leaks.ts'
import { type Deployment, deploy, sdkUses } from './deployment.ts'

describe.each(sdkUses)('with the AWS SDK %s', (sdk) => {
  let stack: Deployment
  let endpoint: ReturnType<Deployment['seam']['webhooks']['add']>
  const secrets = () => JSON.stringify([endpoint.secret()])

  beforeAll(async () => {
    stack = await deploy(sdk)
    stack.storeSecret('SeamApiKey', stack.seam.apiKey)
    endpoint = stack.seam.webhooks.add(`${stack.api}/webhooks/seam`)
    stack.storeSecret('WebhookSecrets', secrets())
  })
  afterAll(() => stack?.close())
  afterEach(async () => {
    await stack.seam.webhooks.idle()
    // The permissions of the template sufficed.
    expect(stack.aws.denied).toEqual([])
  })

  async function connectWebview(sub: string) {
    const { status, body } = await stack.ask(sub, 'POST', {}, '/connect-webview')
    expect(status).toBe(201)
    return body as { connect_webview_id: string; url: string }
  }

  async function devicesOf(token: string): Promise<number> {
    const headers = { authorization: `Bearer ${token}` }
    const answer = await fetch(`${stack.seam.url}/devices/list`, { method: 'POST', headers })
    const { devices } = (await answer.json()) as { devices: unknown[] }
    return devices.length
  }

  describe('the webhook function as it is deployed', () => {
    it('gives the account of a login to whom the Connect Webview was made for', async () => {
      const { body } = await stack.ask('joining')
      expect(await devicesOf(body.token)).toBe(0)
      const { connect_webview_id } = await connectWebview('joining')
      stack.seam.completeWebview(connect_webview_id)
      await stack.seam.webhooks.idle()

      expect(stack.seam.webhooks.attempts.at(-1)?.status).toBe(204)
      const again = await stack.ask('joining')
      expect(again.body.token).toBe(body.token)
      expect(await devicesOf(again.body.token)).toBeGreaterThan(0)
    })

    it('takes an account that is gone from everybody', async () => {
      const { connect_webview_id } = await connectWebview('losing')
      const account = stack.seam.completeWebview(connect_webview_id)
      await stack.seam.webhooks.idle()
      const { body } = await stack.ask('losing')
      expect(await devicesOf(body.token)).toBeGreaterThan(0)
      stack.seam.deleteAccount(account)
      await stack.seam.webhooks.idle()

      const after = await stack.ask('losing')
      expect(after.body.token).not.toBe(body.token)
      expect(await devicesOf(after.body.token)).toBe(0)
    })

    it('says in its log when no known secret has signed, which an alarm watches', async () => {
      const { webhook } = stack.functions
      const signed = (signature: string) => ({
        'svix-id': 'msg_1',
        'svix-timestamp': String(Math.floor(Date.now() / 1000)),
        'svix-signature': signature,
      })
      const post = (headers: Record<string, string>) =>
        fetch(`${stack.api}/webhooks/seam`, { method: 'POST', body: '{}', headers })
      const faults = async (headers: Record<string, string>) => {
        expect((await post(headers)).status).toBe(400)
        return JSON.parse(webhook?.log.findLast((line) => line.includes('"webhook"')) ?? '').fault
      }
      expect(await faults(signed('v1,c29tZWJvZHkgZWxzZQ=='))).toBe('signature')
      expect(await faults({})).toBe('unsigned')
    })

    it('believes nothing that is not signed, and is unavailable without its secrets', async () => {
      const post = () => fetch(`${stack.api}/webhooks/seam`, { method: 'POST', body: '{}' })
      expect((await post()).status).toBe(400)
      const { webhook } = stack.functions
      await Promise.all(webhook?.environments.map((environment) => environment.kill()) ?? [])
      stack.aws.secrets.delete(webhook?.settings.environment.SEAM_WEBHOOK_SECRETS_SECRET_ARN ?? '')
      const without = await post().finally(() => stack.storeSecret('WebhookSecrets', secrets()))
      expect(without.status).toBe(503)
    })

    it('hears from nobody but Seam’s route, and holds no route of a page', async () => {
      const { coldStarts } = stack.functions.webhook ?? {}
      expect((await fetch(`${stack.api}/webhooks/seam`)).status).toBe(404)
      expect(stack.functions.webhook?.coldStarts).toBe(coldStarts)
    })
  })

  describe('a Connect Webview as it is deployed', () => {
    it('tells how it goes, also when no webhook comes', async () => {
      const { connect_webview_id } = await connectWebview('watching')
      const path = `/connect-webview/${connect_webview_id}`
      stack.seam.webhooks.mood.hold = true
      stack.seam.completeWebview(connect_webview_id)
      const { status, body } = await stack.ask('watching', 'GET', {}, path)
      stack.seam.webhooks.mood.hold = false
      expect([status, body]).toEqual([200, { status: 'connected' }])
      expect((await stack.ask('somebody-else', 'GET', {}, path)).status).toBe(404)
    })
  })

  describe('the logs', () => {
    it('of all of them show no secret, and name subjects where that was decided alone', async () => {
      const { connect_webview_id, url } = await connectWebview('named')
      stack.secrets.add(new URL(url).searchParams.get('auth_token') ?? '')
      stack.seam.webhooks.mood.hold = true
      stack.seam.completeWebview(connect_webview_id)
      await stack.ask('named', 'GET', {}, `/connect-webview/${connect_webview_id}`)
      stack.seam.webhooks.mood.hold = false
      const logs = Object.entries(stack.functions).map(([entry, { log }]) => [entry, log.join('\n')] as const)
      for (const [entry, log] of logs) expect([entry, leaksIn(log, stack.secrets)]).toEqual([entry, []])
      expect(logs.filter(([, log]) => log.includes('local|named')).map(([entry]) => entry)).toEqual([
        'connect',
      ])
    })
  })
})
