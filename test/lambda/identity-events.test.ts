import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { leaksIn } from '../leaks.ts'
import { type Deployment, deploy, sdkUses } from './deployment.ts'

describe.each(sdkUses)('with the AWS SDK %s', (sdk) => {
  let stack: Deployment
  beforeAll(async () => {
    stack = await deploy(sdk)
    stack.storeSecret('SeamApiKey', stack.seam.apiKey)
  })
  afterAll(() => stack?.close())
  // The permissions of the template sufficed.
  afterEach(() => expect(stack.aws.denied).toEqual([]))

  const secevent = 'https://schemas.openid.net/secevent/risc/event-type'
  const tell = async (claims: object, body: (token: string) => string) => {
    const iss = stack.configuration.issuers[0]?.issuer
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
    const token = await stack.identityProvider.sign({ iss, aud: 'page', events, ...claims } as never)
    stack.secrets.add(token)
    return fetch(`${stack.api}/identity-events`, { method: 'POST', body: body(token) })
  }
  const logout = (sub: string, claims: object = {}) =>
    tell({ sub, ...claims }, (token) => `logout_token=${token}`)
  const isAlive = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` }
    return (await fetch(`${stack.seam.url}/devices/list`, { method: 'POST', headers })).ok
  }

  describe('the function for identity providers as it is deployed', () => {
    it('ends the client session of who is signed out, and answers when it is dead', async () => {
      const { body } = await stack.ask('leaving')
      expect(await isAlive(body.token)).toBe(true)
      const answer = await logout('leaving')
      expect([answer.status, await answer.text(), answer.headers.get('cache-control')]).toEqual([
        200,
        '',
        'no-store',
      ])
      expect(await isAlive(body.token)).toBe(false)
      expect((await stack.ask('leaving')).status).toBe(401)
    })

    it('takes a security event, and hears of nobody whom it does not know', async () => {
      const { body } = await stack.ask('disabled')
      const sub_id = { format: 'iss_sub', sub: 'disabled' }
      const events = { [`${secevent}/account-disabled`]: {} }
      const answer = await tell({ sub: null, exp: null, sub_id, events }, (token) => token)
      expect([answer.status, await isAlive(body.token)]).toEqual([202, false])
      expect((await stack.ask('disabled')).body.code).toBe('subject_disabled')
      expect((await logout('a-stranger')).status).toBe(200)
    })

    it('believes nothing that is not signed for us, and holds no other route', async () => {
      const { body } = await stack.ask('staying')
      const answer = await logout('staying', { aud: 'another' })
      expect([answer.status, await answer.json()]).toMatchObject([400, { error: 'invalid_request' }])
      expect(await isAlive(body.token)).toBe(true)
      expect((await fetch(`${stack.api}/identity-events`)).status).toBe(404)
    })

    it('has written down what Seam, being down, could not be told, and answers 200', async () => {
      const { body } = await stack.ask('waiting')
      stack.seam.faults.add({ kind: 'reset' })
      const answer = await logout('waiting')
      stack.seam.faults.clear()
      expect([answer.status, await isAlive(body.token), (await stack.ask('waiting')).status]).toEqual([
        200,
        true,
        401,
      ])
    })

    it('logs whom it was about, and no secret', async () => {
      const log = stack.functions['identity-events']?.log.join('\n') ?? ''
      expect(log).toContain('"subject":"local|leaving"')
      expect(leaksIn(log, stack.secrets)).toEqual([])
    })
  })
})
