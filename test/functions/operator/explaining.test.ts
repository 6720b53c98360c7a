import type { JWK } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callerVerifier } from '../../../functions/caller/caller.ts'
import { keyFinder } from '../../../functions/caller/keys.ts'
import { type ConfigurationInput, readConfiguration } from '../../../functions/config.ts'
import type { Explanation } from '../../../functions/operator/client.ts'
import { explainToken } from '../../../functions/operator/explaining.ts'
import { termsOf } from '../../../functions/session/terms.ts'
import { times } from '../../../functions/times.ts'
import { minutes } from '../minutes.ts'
import { compact, type SigningKey, signingKey } from '../signing.ts'
import { startTestIssuer, type TestIssuer } from '../test-issuer.ts'
import { soon } from '../vending-world.ts'
import { type AdminWorld, callerOf, startAdminWorld } from './world.ts'

let world: AdminWorld
beforeAll(async () => {
  world = await startAdminWorld()
})
afterAll(() => world.close())

const explain = (token: string): Promise<Explanation> => world.callAdmin('explain', { token })
const under = (issuer: object, more: Partial<ConfigurationInput> = {}) => {
  const { issuer: address, audience } = world.identityProvider
  const main = { name: 'main', issuer: address, audiences: [audience], ...issuer }
  return callerOf(world.reconfigured({ issuers: [main], ...more }), world.clock.now)
}
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

describe('of a bad token, names the first thing that is wrong', () => {
  const sign = (claims: object, header: object = {}) =>
    world.identityProvider.sign({ sub: 'ada', ...claims }, header)
  const now = () => Math.floor(world.clock.now() / 1000)

  test.each<[string, string, () => string | Promise<string>, RegExp]>([
    [
      'an opaque token',
      'not_compact',
      () => 'gho_16C7e42F292c6912E7710c838347Ae178B4a',
      /opaque.*Auth0.*audience/,
    ],
    ['an encrypted one', 'not_compact', () => 'a.b.c.d.e', /encrypted.*audience/],
    ['half a token', 'not_compact', async () => (await sign({})).split('.').slice(0, 2).join('.'), /opaque/],
    [
      'one without its signature',
      'not_compact',
      async () => `${(await sign({})).split('.').slice(0, 2).join('.')}.`,
      /lacks one/,
    ],
    [
      'a client session token of Seam',
      'not_compact',
      () => 'seam_cst1xyz_abc',
      /client session token of Seam/,
    ],
    ['one that was cut off', 'base64url', async () => (await sign({})).replace('.', '=.'), /cut off/],
    ['one too long', 'too_long', () => sign({ note: 'x'.repeat(9000) }), /9,500/],
    [
      'an unknown issuer',
      'unknown_issuer',
      () => sign({ iss: 'https://elsewhere.example' }),
      /elsewhere\.example.*configured is/,
    ],
    [
      'an issuer with a slash too many',
      'unknown_issuer',
      () => sign({ iss: `${world.identityProvider.issuer}/` }),
      /equal to the last slash/,
    ],
    [
      'a shared secret',
      'algorithm',
      () => `${part({ alg: 'HS256' })}.${part({ iss: world.identityProvider.issuer })}.AAAA`,
      /HS256.*RS256/,
    ],
    [
      'another audience',
      'audience',
      () => sign({ aud: 'https://other.example' }),
      /other\.example.*configured is/,
    ],
    [
      'an id token',
      'audience',
      () => sign({ aud: 'client-id', nonce: 'n', at_hash: 'h' }),
      /id token.*access token/,
    ],
    ['an expired one', 'expired', () => sign({ exp: now() - 7200 }), /2 hours ago/],
    ['one without an end', 'expiry_missing', () => sign({ exp: null }), /`exp`/],
    ['one from the future', 'issued_in_the_future', () => sign({ iat: now() + 600 }), /10 minutes ahead/],
    ['one that begins later', 'not_yet_valid', () => sign({ nbf: now() + 600 }), /10 minutes ahead/],
    ['one that is bound to a key', 'bound_to_a_key', () => sign({ cnf: { jkt: 'x' } }), /DPoP/],
    ['a logout token', 'security_event', () => sign({ events: {} }), /logout token/],
    ['a user with a blank at the end', 'subject', () => sign({ sub: 'ada ' }), /\/sub is "ada ".*403/],
    ['an unknown key', 'unknown_key', () => sign({}, { kid: 'nobody-knows-it' }), /nobody-knows-it/],
    [
      'changed claims',
      'signature',
      async () => {
        const [header, , signature] = (await sign({})).split('.')
        const claims = (await sign({ sub: 'grace' })).split('.')[1]
        return [header, claims, signature].join('.')
      },
      /signature/,
    ],
    ['an odd type', 'type', () => sign({}, { typ: 'logout+jwt' }), /logout\+jwt/],
  ])('%s', async (_, reason, make, sentence) => {
    const explanation = await explain(await make())
    expect(explanation).toMatchObject({ accepted: false, reason })
    expect(explanation.sentence).toMatch(sentence)
  })

  test('a claim rule, by name', async () => {
    const callAdmin = under({ claimRules: [{ claim: '/scope', contains: 'locks' }] })
    const explanation = await callAdmin('explain', { token: await sign({ scope: 'lights doors' }) })
    expect(explanation).toMatchObject({ accepted: false, reason: 'claim_rule' })
    expect(explanation.sentence).toMatch(/\/scope must contain "locks" and is "lights doors"/)
  })

  test('a token that is too old for its issuer', async () => {
    const callAdmin = under({ maxTokenAgeSeconds: 60 })
    const explanation = await callAdmin('explain', { token: await sign({ iat: now() - 600 }) })
    expect(explanation.sentence).toMatch(/10 minutes ago.*60/)
  })

  test('nothing, when the issuer’s keys cannot be had: the token may be good', async () => {
    const token = await sign({})
    world.identityProvider.outage = 'error'
    // A process that knows no keys, beside a table that has none either: only vending writes them.
    const explanation = await under({})('explain', { token })
    world.identityProvider.outage = undefined
    expect(explanation).toMatchObject({ accepted: false, reason: 'issuer_keys_unavailable' })
    expect(explanation.sentence).toContain('may be good')
  })
})

describe('of a key that is published and not used, names the reason', () => {
  let provider: TestIssuer
  beforeAll(async () => {
    provider = await startTestIssuer()
  })
  afterAll(() => provider.close())
  const explained = (key: SigningKey, jwk: JWK) => {
    provider.keys = [jwk]
    const seconds = Math.floor(world.clock.now() / 1000)
    const claims = { iss: provider.address, aud: 'us', sub: 'ada', iat: seconds, exp: seconds + 60 }
    const callAdmin = under({ issuer: provider.address, audiences: ['us'] })
    return callAdmin('explain', { token: compact({}, claims, key) })
  }
  const good = signingKey('RS256', { kid: 'good' })
  const short = signingKey('RS256', { kid: 'short', bits: 1024 })
  const three = signingKey('RS256', { kid: 'three', exponent: 3 })

  test.each<[string, SigningKey, JWK, RegExp]>([
    ['key_too_short', short, short.jwk, /publishes the key .*"short".* too short: RSA needs 2048 bits/],
    ['key_exponent', three, three.jwk, /"three".* unsafe exponent/],
    ['key_may_not_verify', good, { ...good.jwk, use: 'enc' }, /may not verify/],
    ['key_private', good, { ...good.jwk, d: 'AQ' }, /private members/],
    ['key_malformed', good, { ...good.jwk, e: undefined }, /malformed/],
    ['key_of_another_algorithm', good, { ...good.jwk, alg: 'PS256' }, /another algorithm/],
  ])('%s', async (reason, key, jwk, sentence) => {
    const explanation = await explained(key, jwk)
    expect(explanation).toMatchObject({ accepted: false, reason })
    expect(explanation.sentence).toMatch(sentence)
  })

  test('and has nothing against null members', async () => {
    const jwk = { ...good.jwk, d: null, key_ops: null } as never
    expect(await explained(good, jwk)).toMatchObject({ accepted: true, subject: 'main|ada' })
  })

  test('and tells a redirect from an outage', async () => {
    provider.instead = (_, response) => !!response.writeHead(308, { location: 'https://x.example/' }).end()
    const explanation = await explained(good, good.jwk)
    provider.instead = undefined
    expect(explanation).toMatchObject({ accepted: false, reason: 'issuer_keys_unavailable' })
    expect(explanation.sentence).toMatch(/may be good.*redirect/)
  })
})

describe('of a good token, tells the user and the verdict', () => {
  const explained = async (sub: string) => explain(await world.token(sub))
  const granted = async (sub: string) => {
    const subject = world.subjectOf(sub)
    await world.callAdmin('grant', { subject, connected_account_ids: world.newAccounts(1) })
    return subject
  }

  test('without a record, as the configuration says', async () => {
    expect(await explained('nobody')).toMatchObject({
      accepted: true,
      subject: 'main|nobody',
      record: 'missing',
    })
    const callAdmin = under({}, { unknownSubjects: 'provision' })
    expect(await callAdmin('explain', { token: await world.token('nobody') })).toMatchObject({
      record: 'would_be_made',
      verdict: 'create:first_request',
    })
  })

  test('with one: create, reuse, extend', async () => {
    await granted('happy')
    expect(await explained('happy')).toMatchObject({ record: 'found', verdict: 'create:first_request' })
    await world.vend('happy')
    expect(await explained('happy')).toMatchObject({ verdict: 'reuse:live', user: { status: 'active' } })
    world.clock.advance(51 * minutes)
    expect(await explained('happy')).toMatchObject({ verdict: 'extend:expiring' })
  })

  test('and why the record says no', async () => {
    const subject = await granted('unhappy')
    const token = await world.token('unhappy')
    await world.callAdmin('disable', { subject })
    const disabled = await explain(token)
    expect(disabled).not.toHaveProperty('verdict')
    expect(disabled.sentence).toContain('is disabled')
    await world.callAdmin('enable', { subject })
    world.clock.advance(2000)
    await world.callAdmin('sign_out_everywhere', { subject })
    expect((await explain(token)).sentence).toContain('signed out everywhere')
    const access_until = new Date(world.clock.now() - 1000).toISOString()
    await world.callAdmin('set', { subject, connected_account_ids: [], access_until })
    world.clock.advance(2000)
    expect((await explained('unhappy')).sentence).toContain('access ended')
  })

  test('and a record that was made under another issuer', async () => {
    await granted('inherited')
    const { startIdentityProvider } = await import('../../../infra/local/identity-provider.ts')
    const usurper = await startIdentityProvider({ clock: world.clock.now })
    try {
      const callAdmin = under({ issuer: usurper.issuer, audiences: [usurper.audience] })
      const { sentence } = await callAdmin('explain', { token: await usurper.sign({ sub: 'inherited' }) })
      expect(sentence).toContain(world.identityProvider.issuer)
    } finally {
      await usurper.close()
    }
  })

  test('and last of all what the sign-in lacks', async () => {
    const subject = await granted('stepping')
    const callAdmin = under({ maxAuthAgeSeconds: 300, acrValues: ['gold', 'phr'] })
    const seconds = Math.floor(world.clock.now() / 1000)
    const told = async (claims: object) =>
      callAdmin('explain', { token: await world.token('stepping', { ...claims }) })
    const old = await told({ auth_time: seconds - 7200, acr: 'tin' })
    expect(old).toMatchObject({ accepted: true, record: 'found' })
    expect(old).not.toHaveProperty('verdict')
    expect(old.sentence).toMatch(
      /401 insufficient_user_authentication.*\/auth_time is 2 hours ago.* 300.*\/acr is "tin".*"gold", "phr"/,
    )
    expect((await told({})).sentence).toContain('/auth_time is missing')
    expect(await told({ auth_time: seconds, acr: 'phr' })).toMatchObject({ verdict: 'create:first_request' })
    await world.callAdmin('disable', { subject })
    expect((await told({})).sentence).toContain('is disabled')
  })

  test('changes nothing, and writes nothing', async () => {
    await granted('untouched')
    const before = await world.user('untouched')
    const writes = () =>
      ['PutItem', 'UpdateItem', 'DeleteItem'].map((name) => world.dynamoDb.counts[name]?.received)
    const counts = writes()
    await explained('untouched')
    await under({})('explain', { token: await world.token('untouched') })
    expect(writes()).toEqual(counts)
    expect(await world.user('untouched')).toEqual(before)
  })

  test('needs no table: then no record is looked up', async () => {
    const { issuer, audience } = world.identityProvider
    const configuration = readConfiguration(
      {
        deployment: 'test',
        issuers: [{ name: 'main', issuer, audiences: [audience] }],
        allowedOrigins: ['https://app.example'],
      },
      { loopback: true },
    )
    const clock = world.clock.now
    const store = { readKeySet: async () => undefined, writeKeySet: async () => {} }
    const findKeys = keyFinder({ store, fetch, clock, times, loopback: true })
    const verifyCaller = callerVerifier({ issuers: configuration.issuers, findKeys, clock })
    const terms = termsOf(configuration, times)
    const token = await world.token('ada')
    expect(
      await explainToken({ verifyCaller, configuration, terms, clock, deadline: soon() }, { token }),
    ).toMatchObject({ accepted: true, subject: 'main|ada', record: 'not_looked_up' })
  })
})
