import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callerVerifier, type VerifyCaller } from '../../../functions/caller/caller.ts'
import { keyFinder } from '../../../functions/caller/keys.ts'
import { ownerOf } from '../../../functions/caller/owner.ts'
import { type ConfigurationInput, type Issuer, readConfiguration } from '../../../functions/config.ts'
import { deadlineIn } from '../../../functions/http/deadline.ts'
import { Problem } from '../../../functions/http/problem.ts'
import { times } from '../../../functions/times.ts'
import { compact, encoded, type Part, type SigningKey, signatureOf, signingKey } from '../signing.ts'
import { startTestIssuer, type TestIssuer } from '../test-issuer.ts'

const now = 1_800_000_000 // Seconds.
const es = signingKey('ES256')
const rs = signingKey('RS256')
const ed = signingKey('Ed25519')
const audience = 'https://vending.example'

const elsewhere = 'https://elsewhere.example/keys'

let provider: TestIssuer

beforeAll(async () => {
  provider = await startTestIssuer([es.jwk, rs.jwk, ed.jwk])
})
afterAll(() => provider.close())

type IssuerInput = Partial<ConfigurationInput['issuers'][number]>

function issuerWith(input: IssuerInput = {}): Issuer {
  const issuers = [
    {
      name: 'main',
      issuer: provider.address,
      audiences: [audience],
      algorithms: ['ES256' as const, 'RS256' as const],
      clockToleranceSeconds: 5,
      ...input,
    },
  ]
  const configuration = { deployment: 'test', issuers, allowedOrigins: ['https://app.example'] }
  return readConfiguration(configuration, { loopback: true }).issuers[0] as Issuer
}

function verifierFor(input: IssuerInput = {}, at = now * 1000): VerifyCaller {
  const clock = () => at
  const store = { readKeySet: async () => undefined, writeKeySet: async () => {} }
  const findKeys = keyFinder({ store, fetch, clock, times, loopback: true })
  return callerVerifier({ issuers: [issuerWith(input)], findKeys, clock })
}

const claims = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  iss: provider.address,
  aud: audience,
  sub: 'ada',
  iat: now - 10,
  exp: now + 3600,
  ...more,
})

const token = (more: Record<string, unknown> = {}, header: Part = {}, key: SigningKey = es) =>
  compact(header, claims(more), key)

const ample = deadlineIn(60_000, () => 0)
const verify = (verifyCaller: VerifyCaller, credentials: string | undefined) =>
  verifyCaller(credentials === undefined ? undefined : `Bearer ${credentials}`, ample)

/** `code` and, for the log, `reason` of the refusal. */
async function refusal(verified: Promise<unknown>): Promise<string> {
  const problem = await verified.then(
    () => 'accepted',
    (error: unknown) => error,
  )
  return problem instanceof Problem
    ? `${problem.code} ${problem.details.reason ?? ''}`.trim()
    : String(problem)
}

describe('a good token', () => {
  it('speaks for its subject, under the name of its issuer', async () => {
    const good = token()
    const caller = await verify(verifierFor(), good)
    expect(caller).toEqual({
      issuer: issuerWith(),
      iss: provider.address,
      sub: 'ada',
      subject: 'main|ada',
      owner: '2g1k8V-YALurOthGTekd1Q',
      binding: 'shared',
      issued_at: (now - 10) * 1000,
      token_sha256: expect.stringMatching(/^[0-9a-f]{12}$/),
    })
  })

  it.each([
    ['without `iat`', () => [{}, { iat: undefined }]],
    ['with several audiences, one of them ours', () => [{}, { aud: ['https://other.example', audience] }]],
    ['with an `at+jwt` type in any spelling', () => [{}, {}, { typ: 'application/AT+JWT' }]],
    ['with a certificate’s fingerprint in its header, as Entra sends it', () => [{}, {}, { x5t: 'abc' }]],
    ['with an address of keys in its header, as SAP sends it', () => [{}, {}, { jku: elsewhere }]],
    [
      'with certificates in its header, or an address of them',
      () => [{}, {}, { x5c: ['A'], x5u: elsewhere }],
    ],
    [
      'of 150 groups, as Entra makes it',
      () => [{}, { groups: Array.from({ length: 150 }, () => randomUUID()) }],
    ],
    ['signed with RS256', () => [{}, {}, {}, rs]],
    ['signed with Ed25519', () => [{ algorithms: ['Ed25519'] }, {}, {}, ed]],
    ['whose `exp` is just within the tolerance', () => [{}, { exp: now - 4.999 }]],
    ['whose `nbf` is just within the tolerance', () => [{}, { nbf: now + 5 }]],
    ['whose `iat` is just within the tolerance', () => [{}, { iat: now + 5 }]],
    ['as old as allowed', () => [{ maxTokenAgeSeconds: 60 }, { iat: now - 65 }]],
    ['of the type that is asked for', () => [{ typ: 'at+jwt' }, {}, { typ: 'at+jwt' }]],
    ['with the longest subject', () => [{}, { sub: 'x'.repeat(255) }]],
    [
      'with the audience in another claim',
      () => [{ audienceClaim: '/azp' }, { aud: undefined, azp: audience }],
    ],
  ] as [string, () => [IssuerInput, Record<string, unknown>, Part?, SigningKey?]][])(
    'is accepted %s',
    async (_name, made) => {
      const [issuer, more, header, key] = made()
      await expect(verify(verifierFor(issuer), token(more, header, key))).resolves.toMatchObject({
        iss: provider.address,
      })
    },
  )

  it('is accepted under a scheme in any case', async () => {
    await expect(verifierFor()(`bEARER ${token()}`, ample)).resolves.toMatchObject({ sub: 'ada' })
  })

  it('names its subject by the claim that the issuer is configured with', async () => {
    const verifyCaller = verifierFor({ subjectClaim: '/app~1ids/user', subjectNamespace: 'app' })
    const caller = await verify(verifyCaller, token({ 'app/ids': { user: '42' } }))
    expect(caller).toMatchObject({ sub: '42', subject: 'app|42', owner: ownerOf('app|42') })
  })
})

describe('a request without a bearer token', () => {
  it.each([undefined, '', 'Bearer', 'Bearer ', 'Basic YWRhOnNlY3JldA==', 'Bearertoken'])(
    '%j is told to send one',
    async (authorization) => {
      expect(await refusal(verifierFor()(authorization, ample))).toBe('missing_token')
    },
  )
})

describe('a token that cannot be read in one way only', () => {
  const [header, payload] = [{ alg: 'ES256', kid: 'ES256' }, () => claims()] as const
  const raw = (headerText: string, payloadText: string) => compact(headerText, payloadText, es)
  const json = JSON.stringify

  it.each([
    ['two credentials', 'base64url', () => `${token()} x`],
    ['two headers, as they arrive', 'not_compact', () => `${token()}, Bearer ${token()}`],
    ['an opaque token', 'not_compact', () => 'opaque'],
    ['no signature', 'not_compact', () => `${encoded(header)}.${encoded(payload())}.`],
    ['five parts', 'not_compact', () => `${token()}.x.y`],
    ['padding', 'base64url', () => `${token()}=`],
    ['stray bits at the end', 'base64url', () => `${encoded('{} ')}.${encoded('{}')}.AB`],
    ['the other alphabet', 'base64url', () => token().replace(/\.[^.]+$/, '.++//')],
    [
      'bytes that are not UTF-8',
      'not_text',
      () => `${encoded(header)}.${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}.AA`,
    ],
    ['a byte order mark', 'not_json', () => raw(json(header), `\ufeff${json(payload())}`)],
    ['a payload that is no JSON', 'not_json', () => raw(json(header), 'ada')],
    ['a payload that is a list', 'not_an_object', () => raw(json(header), '[]')],
    ['a header that is null', 'not_an_object', () => raw('null', json(payload()))],
    [
      'one member twice',
      'duplicate_member',
      () => raw(json(header), json(payload()).replace('{', '{"sub":"eve",')),
    ],
    [
      'one member twice, once in disguise',
      'duplicate_member',
      () => raw(json(header), json(payload()).replace('{', '{"s\\u0075b":"eve",')),
    ],
    [
      'one header parameter twice',
      'duplicate_member',
      () => raw('{"alg":"none","alg":"ES256","kid":"ES256"}', json(payload())),
    ],
    [
      'one nested member twice',
      'duplicate_member',
      () => raw(json(header), json(payload()).replace('{', '{"a":[{"b":1,"b":2}],')),
    ],
    [
      'nesting without end',
      'too_deep',
      () => raw(json(header), json(payload()).replace('{', `{"a":${'['.repeat(2000)}${']'.repeat(2000)},`)),
    ],
  ] as [string, string, () => string][])('%s: refused', async (_name, reason, made) => {
    expect(await refusal(verify(verifierFor(), made()))).toBe(`invalid_token ${reason}`)
  })

  it('is not refused for equal names in different objects, or names that look like structure', async () => {
    const more = { a: { b: 1 }, c: { b: 2, d: [{ b: 3 }, { b: 4 }] }, '{"b": [': '":"', '\\': '\\"' }
    await expect(verify(verifierFor(), token(more))).resolves.toMatchObject({ sub: 'ada' })
  })
})

describe('a well-made token that does not fit', () => {
  const stranger = signingKey('ES256')

  it.each([
    ['of an unknown issuer', 'unknown_issuer', {}, { iss: 'https://elsewhere.example' }],
    ['whose issuer differs by a slash', 'unknown_issuer', {}, { iss: `SLASH` }],
    ['whose issuer is a member of every object', 'unknown_issuer', {}, { iss: '__proto__' }],
    ['whose issuer is a list', 'unknown_issuer', {}, { iss: [] }],
    ['without an issuer', 'unknown_issuer', {}, { iss: undefined }],
    ['for another audience', 'audience', {}, { aud: 'https://vending.example/' }],
    ['for nobody', 'audience', {}, { aud: [] }],
    ['without an audience', 'audience', {}, { aud: undefined }],
    ['with an audience that is not all text', 'audience', {}, { aud: [audience, 1] }],
    [
      'whose `aud` contradicts the substitute',
      'audience',
      { audienceClaim: '/azp' },
      { aud: 'x', azp: audience },
    ],
    [
      'with our audience in `aud`, but not in the substitute',
      'audience',
      { audienceClaim: '/azp' },
      { azp: 'x' },
    ],
    ['without `exp`', 'expiry_missing', {}, { exp: undefined }],
    ['with `exp` as text', 'time', {}, { exp: String(now + 60) }],
    ['with an absurd `exp`', 'time', {}, { exp: 1e15 }],
    ['with a negative `iat`', 'time', {}, { iat: -1 }],
    ['with `nbf` as null', 'time', {}, { nbf: null }],
    ['that has ended', 'expired', {}, { exp: now - 5 }],
    ['that has not begun', 'not_yet_valid', {}, { nbf: now + 5.001 }],
    ['too old', 'too_old', { maxTokenAgeSeconds: 60 }, { iat: now - 65.001 }],
    ['of unknown age where age counts', 'issue_time_missing', { maxTokenAgeSeconds: 60 }, { iat: undefined }],
    ['bound to a key', 'bound_to_a_key', {}, { cnf: { jkt: 'x' } }],
    ['that tells of an event', 'security_event', {}, { events: {} }],
    ['that tells of an event, which is null', 'security_event', {}, { events: null }],
    [
      'whose subject is in an event',
      'security_event',
      { subjectClaim: '/events/a' },
      { events: { a: 'ada' } },
    ],
  ] as [string, string, IssuerInput, Record<string, unknown>][])(
    '%s: refused, and nothing is fetched',
    async (_name, reason, issuer, more) => {
      const iss = more.iss === 'SLASH' ? { iss: `${provider.address}/` } : {}
      const before = provider.requests.length
      expect(await refusal(verify(verifierFor(issuer), token({ ...more, ...iss })))).toBe(
        `invalid_token ${reason}`,
      )
      expect(provider.requests.length).toBe(before)
    },
  )

  it('issued half a minute ahead is taken; later ones are told when to try again, once verified', async () => {
    await expect(verify(verifierFor(), token({ iat: now + 30 }))).resolves.toMatchObject({ sub: 'ada' })
    const early = verify(verifierFor(), token({ iat: now + 42 }))
    await expect(early).rejects.toMatchObject({
      code: 'invalid_token',
      details: { reason: 'issued_in_the_future', action: 'retry', retryAfter: 12 },
    })
    const [header, payload] = token({ iat: now + 42 }).split('.')
    const forged = `${header}.${payload}.${token().split('.')[2]}`
    await expect(verify(verifierFor(), forged)).rejects.toMatchObject({ details: { reason: 'signature' } })
  })

  it('of more than 9,500 characters is too large, by length alone', async () => {
    for (const long of ['x'.repeat(9501), token({ filler: 'x'.repeat(9500) })])
      expect(await refusal(verify(verifierFor(), long))).toBe('too_large too_long')
    expect(await refusal(verify(verifierFor(), 'x'.repeat(9500)))).toBe('invalid_token not_compact')
  })

  it('with `exp` beyond all numbers: refused', async () => {
    const payload = JSON.stringify(claims({ exp: 0 })).replace('"exp":0', '"exp":1e999')
    expect(await refusal(verify(verifierFor(), compact({}, payload, es)))).toBe('invalid_token time')
  })

  it.each([
    ['alg none', 'algorithm', { alg: 'none' }],
    ['an algorithm that is not listed', 'algorithm', { alg: 'ES384' }],
    ['a shared secret’s algorithm', 'algorithm', { alg: 'HS256' }],
    ['an algorithm that is a list', 'algorithm', { alg: ['ES256'] }],
    ['a key of its own', 'header', { jwk: stranger.jwk }],
    ['critical extensions', 'header', { crit: ['exp'], exp: now + 60 }],
    ['an unencoded payload', 'header', { b64: true }],
    ['a key id that is no text', 'key_id', { kid: 1 }],
    ['a very long key id', 'key_id', { kid: 'x'.repeat(256) }],
    ['the type of a logout token', 'type', { typ: 'logout+jwt' }],
    ['a type that is no text', 'type', { typ: null }],
  ] as [string, string, object][])('with %s in its header: refused', async (_name, reason, header) => {
    expect(await refusal(verify(verifierFor(), token({}, header)))).toBe(`invalid_token ${reason}`)
  })

  it('without the type that is asked for: refused', async () => {
    const verifyCaller = verifierFor({ typ: 'at+jwt' })
    expect(await refusal(verify(verifyCaller, token()))).toBe('invalid_token type')
    expect(await refusal(verify(verifyCaller, token({}, { typ: 'JWT' })))).toBe('invalid_token type')
  })

  it('signed by somebody else: refused', async () => {
    expect(await refusal(verify(verifierFor(), token({}, {}, stranger)))).toBe('invalid_token signature')
  })

  it('signed for another payload: refused', async () => {
    const [header, , signature] = token().split('.')
    const forged = `${header}.${encoded(claims({ sub: 'eve' }))}.${signature}`
    expect(await refusal(verify(verifierFor(), forged))).toBe('invalid_token signature')
  })

  it('signed with DER instead of r and s: refused', async () => {
    const input = `${encoded({ alg: 'ES256', kid: 'ES256' })}.${encoded(claims())}`
    const signature = signatureOf(input, es)
    const [r, s] = [signature.subarray(0, 32), signature.subarray(32)].map((half) =>
      Buffer.concat([Buffer.from([2, 33, 0]), half]),
    )
    const der = Buffer.concat([Buffer.from([0x30, 70]), r as Buffer, s as Buffer])
    expect(await refusal(verify(verifierFor(), `${input}.${der.toString('base64url')}`))).toBe(
      'invalid_token signature',
    )
  })
})

describe('a subject', () => {
  it.each([
    ['Ἀδελαΐς'],
    ['samlp|acme|Ada Lovelace'],
    ['CN=Ada Lovelace,OU=Staff,O=Acme'],
    ['Ada\u00a0\u3000Lovelace'],
    ['علی\u200cرضا'],
    ['क्\u200dषमा'],
    ['രാജന്\u200d'],
    ['ACME\\ada'],
    ['x'.repeat(255)],
  ])('may be %j', async (sub) => {
    expect(await verify(verifierFor(), token({ sub }))).toMatchObject({ subject: `main|${sub}` })
  })

  it.each([
    ['none', undefined],
    ['an empty one', ''],
    ['a list', ['ada']],
    ['a number', 42],
    ['one that is too long', 'x'.repeat(256)],
    ['a blank at its end', 'ada '],
    ['another blank at its end', 'ada\u00a0'],
    ['a blank at its beginning', '\u3000ada'],
    ['a line break', 'ada\nx'],
    ['a line separator', 'ada\u2028x'],
    ['a tab', 'ada\tx'],
    ['a control character', 'ada\u0000'],
    ['half a surrogate pair', 'ada\ud800'],
    ['a blank without width', 'a\u200bda'],
    ['a direction', 'ada\u202exe'],
    ['an isolated direction', 'ada\u2066xe'],
    ['a mark of direction', 'ada\u200e'],
    ['a variation selector', 'ada\ufe0f'],
    ['a variation selector of the other plane', 'a\u{e0100}da'],
    ['a Hangul filler', 'ada\u3164'],
    ['a half-width Hangul filler', 'a\uffa0da'],
    ['an empty Braille pattern', 'a\u2800da'],
    ['a soft hyphen', 'a\u00adda'],
    ['a grapheme joiner', 'a\u034fda'],
    ['a joiner where nothing is joined', 'ada\u200d'],
    ['a joiner at its beginning', '\u200cada'],
    ['two joiners', 'علی\u200c\u200cرضا'],
  ])('may not be, or have, %s: 403 once the signature is verified', async (_name, sub) => {
    expect(await refusal(verify(verifierFor(), token({ sub })))).toBe('claim_denied subject')
    const forged = token({ sub }, {}, signingKey('ES256'))
    expect(await refusal(verify(verifierFor(), forged))).toBe('invalid_token signature')
  })

  it.each([
    ['in a prototype', '/constructor/name', {}],
    ['in an array’s length', '/amr/length', { amr: ['pwd'] }],
  ])('is not looked for %s', async (_name, subjectClaim, more) => {
    expect(await refusal(verify(verifierFor({ subjectClaim }), token(more)))).toBe('claim_denied subject')
  })
})

describe('a verified caller whom a claim rule keeps out', () => {
  const claimRules: IssuerInput['claimRules'] = [
    { claim: '/email_verified', equals: true },
    { claim: '/org/tier', oneOf: ['gold', 1] },
    { claim: '/scope', contains: 'devices' },
    { claim: '/roles', contains: 'tenant' },
  ]
  const good = { email_verified: true, org: { tier: 'gold' }, scope: 'openid devices', roles: ['tenant'] }

  it('is let in when every rule holds', async () => {
    await expect(verify(verifierFor({ claimRules }), token(good))).resolves.toMatchObject({ sub: 'ada' })
    await expect(
      verify(verifierFor({ claimRules }), token({ ...good, org: { tier: 1 } })),
    ).resolves.toBeDefined()
  })

  it.each([
    ['no such claim', { email_verified: undefined }],
    ['a text instead of true', { email_verified: 'true' }],
    ['a value that is not in the list', { org: { tier: 'tin' } }],
    ['a number as text', { org: { tier: '1' } }],
    ['a scope that only begins alike', { scope: 'openid devices:read' }],
    ['a list that lacks it', { roles: ['tenants'] }],
    ['an object in place of a list', { roles: { tenant: true } }],
  ])('is told their own subject: %s', async (_name, more) => {
    const verified = verify(verifierFor({ claimRules }), token({ ...good, ...more }))
    await expect(verified).rejects.toMatchObject({ code: 'claim_denied', details: { subject: 'main|ada' } })
  })

  it('is told nothing while the signature is not verified', async () => {
    const forged = token({ ...good, roles: [] }, {}, signingKey('ES256'))
    expect(await refusal(verify(verifierFor({ claimRules }), forged))).toBe('invalid_token signature')
  })
})

describe('two entries of one issuer', () => {
  const verifierOf = (...entries: IssuerInput[]) => {
    const issuers = entries.map((entry) => issuerWith(entry))
    const clock = () => now * 1000
    const store = { readKeySet: async () => undefined, writeKeySet: async () => {} }
    return callerVerifier({
      issuers,
      findKeys: keyFinder({ store, fetch, clock, times, loopback: true }),
      clock,
    })
  }
  const subjectOf = async (verifyCaller: VerifyCaller, more: Record<string, unknown>) =>
    verify(verifyCaller, token(more)).then(
      ({ subject }) => subject,
      ({ code, details }: Problem) => `${code} ${details.reason}`,
    )

  it('are told apart by their audiences, wherever these stand', async () => {
    const verifyCaller = verifierOf(
      { name: 'web', audiences: ['https://app.example'], audienceClaim: '/azp', sessionClaim: '/sid' },
      { name: 'native', audiences: ['doors'] },
    )
    const web = { azp: 'https://app.example', sid: 'a' }
    expect(await subjectOf(verifyCaller, { ...web, aud: undefined })).toBe('web|ada')
    expect(await subjectOf(verifyCaller, { ...web, aud: 'doors' })).toBe('native|ada')
    expect(await subjectOf(verifyCaller, { aud: ['doors', 'other'] })).toBe('native|ada')
    expect(await subjectOf(verifyCaller, { ...web, aud: 'other' })).toBe('invalid_token audience')
    expect(await subjectOf(verifyCaller, { ...web, sid: undefined, aud: undefined })).toBe(
      'claim_denied no_session_claim',
    )
  })

  it('refuse a token for both', async () => {
    const verifyCaller = verifierOf({ name: 'one', audiences: ['a'] }, { name: 'two', audiences: ['b'] })
    expect(await subjectOf(verifyCaller, { aud: ['b'] })).toBe('two|ada')
    expect(await subjectOf(verifyCaller, { aud: ['a', 'b'] })).toBe('invalid_token ambiguous_issuer')
  })

  it('are told apart by a claim rule', async () => {
    const kind = (equals: string) => [{ claim: '/token_use', equals }]
    const verifyCaller = verifierOf(
      { name: 'access', audienceClaim: '/client_id', audiences: ['app'], claimRules: kind('access') },
      { name: 'id', audiences: ['app'], claimRules: kind('id') },
    )
    const access = { aud: undefined, client_id: 'app', token_use: 'access' }
    expect(await subjectOf(verifyCaller, access)).toBe('access|ada')
    expect(await subjectOf(verifyCaller, { aud: 'app', token_use: 'id' })).toBe('id|ada')
    expect(await subjectOf(verifyCaller, { ...access, aud: 'app', token_use: 'id' })).toBe('id|ada')
    expect(await subjectOf(verifyCaller, { ...access, aud: 'app', token_use: 'refresh' })).toBe(
      'claim_denied claim_rule',
    )
  })
})

describe('two issuers', () => {
  it('do not lend each other keys, audiences or rules', async () => {
    const otherKey = signingKey('ES256')
    const other = await startTestIssuer([otherKey.jwk])
    try {
      const issuers = [
        issuerWith(),
        { ...issuerWith({ name: 'other', audiences: ['other'] }), issuer: other.address },
      ]
      const clock = () => now * 1000
      const store = { readKeySet: async () => undefined, writeKeySet: async () => {} }
      const findKeys = keyFinder({ store, fetch, clock, times, loopback: true })
      const verifyCaller = callerVerifier({ issuers, findKeys, clock })
      const theirs = { iss: other.address, aud: 'other' }
      expect(await verify(verifyCaller, token(theirs, {}, otherKey))).toMatchObject({ subject: 'other|ada' })
      expect(await refusal(verify(verifyCaller, token(theirs)))).toBe('invalid_token signature')
      expect(await refusal(verify(verifyCaller, token({}, {}, otherKey)))).toBe('invalid_token signature')
      expect(await refusal(verify(verifyCaller, token({ ...theirs, aud: audience }, {}, otherKey)))).toBe(
        'invalid_token audience',
      )
    } finally {
      await other.close()
    }
  })
})
