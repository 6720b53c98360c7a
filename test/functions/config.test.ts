import { describe, expect, it } from 'vitest'
import { type ConfigurationInput, configurationWarnings, readConfiguration } from '../../functions/config.ts'

type IssuerInput = ConfigurationInput['issuers'][number]

const issuer = (more: object = {}): IssuerInput => ({
  name: 'main',
  issuer: 'https://id.example/',
  audiences: ['https://vending.example'],
  ...more,
})

const keys = 'https://id.example/jwks'

const read = (issuers: unknown, options = {}, more: object = {}) =>
  readConfiguration(
    { deployment: 'test', issuers, allowedOrigins: ['https://app.example'], ...more },
    options,
  )

describe('an issuer', () => {
  it('needs a name, an address and audiences; the rest has defaults', () => {
    expect(read([issuer()]).issuers).toEqual([
      {
        name: 'main',
        issuer: 'https://id.example/',
        audiences: ['https://vending.example'],
        algorithms: ['RS256'],
        clockToleranceSeconds: 5,
        audienceClaim: '/aud',
        subjectClaim: '/sub',
        authTimeClaim: '/auth_time',
        acrClaim: '/acr',
        claimRules: [],
      },
    ])
  })

  it.each([
    [{ name: undefined }, '.name: is missing; add it'],
    [{ name: 'Main|x' }, '.name: use 1 to 32 of the characters a-z, 0-9 and -'],
    [{ issuer: 'id.example' }, '.issuer: give an https:// address'],
    [{ issuer: 'https://id.example/?a=b' }, '.issuer: give an https:// address'],
    [{ issuer: 'https://ada:secret@id.example/' }, '.issuer: give an https:// address'],
    [{ issuer: 'http://127.0.0.1:4800' }, '.issuer: plain http is for the local world only'],
    [{ issuer: 'acme-api' }, '.issuer: give an https:// address without user, query or fragment'],
    [{ issuer: 'urn:acme:idp' }, '.issuer: give an https:// address'],
    [{ issuer: 'acme api', jwksUri: keys }, '.issuer: give the "iss" of its tokens: a text without blanks'],
    [{ issuer: 'acme\u200bapi', jwksUri: keys }, '.issuer: give the "iss" of its tokens'],
    [{ issuer: ' ', jwksUri: keys }, '.issuer: give the "iss" of its tokens'],
    [{ issuer: '', jwksUri: keys }, '.issuer: this text must not be empty'],
    [{ jwksUri: 'https://id.example/jwks#a' }, '.jwksUri: give an https:// address without user or fragment'],
    [{ jwksUri: 'https://ada:secret@id.example/jwks?a' }, '.jwksUri: give an https:// address'],
    [{ jwksUri: 'http://id.example/jwks' }, '.jwksUri: give an https:// address'],
    [{ jwksUri: 'http://localhost/jwks' }, '.jwksUri: plain http is for the local world only'],
    [{ audiences: [] }, '.audiences: list at least one audience; an empty list would mean nobody, never all'],
    [{ audiences: [''] }, '.audiences[0]: this text must not be empty'],
    [{ algorithms: [] }, '.algorithms: list at least one algorithm'],
    [{ algorithms: ['RS256', 'HS256'] }, '.algorithms[1]: use only RS256, RS384'],
    [{ algorithms: ['HS256'] }, 'with a shared secret (HS256) whoever can verify a token can also make one'],
    [{ algorithms: ['none'] }, '.algorithms[0]: use only'],
    [{ clockToleranceSeconds: 61 }, '.clockToleranceSeconds: give a whole number of seconds from 0 to 60'],
    [{ maxTokenAgeSeconds: 1 }, '.maxTokenAgeSeconds: give a whole number of seconds from 60 to'],
    [{ typ: '' }, '.typ: this text must not be empty'],
    [{ subjectClaim: 'sub' }, '.subjectClaim: give a JSON pointer to a claim, such as "/sub"'],
    [{ audienceClaim: '/a~2b' }, '.audienceClaim: give a JSON pointer'],
    [{ subjectNamespace: 'a|b' }, '.subjectNamespace: use 1 to 32 of the characters'],
    [{ claimRules: [{ claim: '/a' }] }, '.claimRules[0]: give { "claim": "/pointer" } with exactly one of'],
    [{ claimRules: [{ claim: '/a', equals: 1, contains: 2 }] }, '.claimRules[0]: give { "claim"'],
    [{ claimRules: [{ claim: '/a', equals: ['x'] }] }, '.claimRules[0]: give { "claim"'],
    [{ claimRules: [{ claim: '/a', oneOf: [] }] }, '.claimRules[0]: give { "claim"'],
    [{ maxAuthAgeSeconds: 29 }, '.maxAuthAgeSeconds: give a whole number of seconds from 30 to'],
    [{ maxAuthAgeSeconds: '300' }, '.maxAuthAgeSeconds: give a whole number of seconds'],
    [{ acrValues: [] }, '.acrValues: list at least one value'],
    [{ acrValues: 'gold' }, '.acrValues: '],
    [{ acrValues: ['gold phr'] }, '.acrValues[0]: use printable ASCII without blanks'],
    [{ acrValues: ['a"b'] }, '.acrValues[0]: use printable ASCII'],
    [{ acrValues: ['a\\b'] }, '.acrValues[0]: use printable ASCII'],
    [{ acrValues: ['é'] }, '.acrValues[0]: use printable ASCII'],
    [{ acrClaim: 'acr' }, '.acrClaim: give a JSON pointer'],
    [{ unknownSubjects: 'accept' }, '.unknownSubjects: choose "reject" or "provision"'],
    [{ audience: 'x' }, ': unknown: audience; remove it or correct the spelling'],
  ])('%j: the message names the field and says what to change', (more, message) => {
    expect(() => read([issuer(more)])).toThrow(
      `tokenVending.issuers[0]${message.startsWith('with') ? '.algorithms' : message}`,
    )
    expect(() => read([issuer(more)])).toThrow(message)
  })

  it.each(['https://*', 'https://*.id.example', 'https://id.*/realms/one', 'https://:secret@id.example/'])(
    '%s is no address of one host',
    (address) => {
      expect(() => read([issuer({ issuer: address })])).toThrow('issuers[0].issuer: give an https:// address')
      expect(() => read([issuer({ jwksUri: address })])).toThrow(
        'issuers[0].jwksUri: give an https:// address',
      )
      expect(() => read([issuer()], {}, { seamEndpoint: address })).toThrow('seamEndpoint: give an https://')
    },
  )

  it.each([
    'http://adfs.corp.example/adfs/services/trust',
    'urn:acme:idp',
    'acme-api',
    'P2abc',
    'https://acme.example/?tenant=1',
  ])('may be called %s where its keys have an address, with a query too', (name) => {
    const settings = { issuer: name, jwksUri: 'https://login.example/keys?appid=6731de76&v=2' }
    expect(read([issuer(settings)]).issuers[0]).toMatchObject(settings)
    expect(configurationWarnings(read([issuer(settings)]))).toEqual([])
  })

  it('may speak plain http to loopback addresses in the local world', () => {
    const local = issuer({ issuer: 'http://127.0.0.1:4800', jwksUri: 'http://localhost:4800/jwks' })
    expect(read([local], { loopback: true }).issuers[0]?.issuer).toBe('http://127.0.0.1:4800')
    expect(() => read([issuer({ issuer: 'http://127.0.0.1.evil.example' })], { loopback: true })).toThrow(
      'https://',
    )
  })
})

const verified = (claim = '/email_verified') => [{ claim, equals: true }]

describe('a subject that can change hands', () => {
  it.each([
    '/preferred_username',
    '/preferredUsername',
    '/upn',
    '/UPN',
    '/unique_name',
    '/name',
    '/username',
    '/cognito:username',
    '/user/name',
    '/profile/preferred_username',
    '/https:~1~1app.example~1upn',
    '/http:~1~1schemas.xmlsoap.org~1ws~12005~105~1identity~1claims~1name',
    '/phone_number',
  ])('%s is refused unless it is wanted', (subjectClaim) => {
    const field = `tokenVending.issuers[0].subjectClaim: ${subjectClaim} can change hands`
    expect(() => read([issuer({ subjectClaim })])).toThrow(field)
    expect(() => read([issuer({ subjectClaim, acceptMutableSubject: false })])).toThrow(field)
    expect(read([issuer({ subjectClaim, acceptMutableSubject: true })]).issuers).toHaveLength(1)
  })

  it.each([
    ['/email', '/email_verified'],
    ['/Email', '/email_verified'],
    ['/mail', '/email_verified'],
    ['/user/email', '/user/email_verified'],
    ['/user/email', '/user/emailVerified'],
    ['/emails/0', '/email_verified'],
    ['/user/emails/0', '/user/email_verified'],
    ['/identities/0/email', '/identities/0/email_verified'],
    ['/https:~1~1app.example~1email', '/https:~1~1app.example~1email_verified'],
    [
      '/http:~1~1schemas.xmlsoap.org~1claims~1EmailAddress',
      '/http:~1~1schemas.xmlsoap.org~1claims~1email_verified',
    ],
    ['/custom:email', '/custom:email_verified'],
  ])('%s is refused unless it is wanted and %s is true', (subjectClaim, claim) => {
    const wanted = { subjectClaim, acceptMutableSubject: true }
    const unverified = 'issuers[0].claimRules: anybody can claim an e-mail address that nobody has verified'
    expect(read([issuer({ ...wanted, claimRules: verified(claim) })]).issuers).toHaveLength(1)
    expect(() => read([issuer({ subjectClaim, claimRules: verified(claim) })])).toThrow('can change hands')
    for (const claimRules of [
      [],
      verified('/verified'),
      verified('/other/email_verified'),
      [{ claim, equals: false }],
      [{ claim, equals: 'true' }],
      [{ claim, oneOf: [true, false] }],
      [{ claim, contains: true }],
    ])
      expect(() => read([issuer({ ...wanted, claimRules })]), JSON.stringify(claimRules)).toThrow(unverified)
    expect(() => read([issuer({ subjectClaim })])).toThrow(unverified)
  })

  it.each(['/sub', '/oid', '/uid', '/user/id', '/identities/0', '/https:~1~1app.example~1user_id'])(
    '%s stays with the user',
    (subjectClaim) => expect(read([issuer({ subjectClaim })]).issuers).toHaveLength(1),
  )

  it('is wanted or not: nothing between', () => {
    expect(() => read([issuer({ acceptMutableSubject: 'yes' })])).toThrow('give true or false')
  })
})

describe('what is allowed and may be a mistake', () => {
  const warned = (more: object, unknownSubjects = 'reject') =>
    configurationWarnings(read([issuer(more)], {}, { unknownSubjects }))
  const google = { issuer: 'https://accounts.google.com', audiences: ['1234.apps.googleusercontent.com'] }

  it('warns of an issuer of the whole world that provisions', () => {
    const warning = [expect.stringContaining('the issuer main serves the whole world')]
    expect(warned(google, 'provision')).toEqual(warning)
    expect(warned({ ...google, unknownSubjects: 'provision' })).toEqual(warning)
    expect(warned({ ...google, unknownSubjects: 'reject' }, 'provision')).toEqual([])
    expect(warned(google)).toEqual([])
    expect(
      warned({ ...google, claimRules: [{ claim: '/hd', equals: 'acme.example' }] }, 'provision'),
    ).toEqual([])
    expect(warned({}, 'provision')).toEqual([])
  })

  it("warns of Keycloak's audience of every client", () => {
    const rules = { claimRules: [{ claim: '/typ', equals: 'Bearer' }] }
    const warning = [expect.stringContaining('the audience "account"')]
    expect(warned({ audiences: ['account'], ...rules })).toEqual(warning)
    expect(warned({ audiences: ['doors', 'account'], ...rules })).toEqual(warning)
    expect(warned({ audiences: ['accounts'], ...rules })).toEqual([])
  })

  it.each(['6731de76-14a6-49ae-97bc-6eba6914391e', '6s8example', 'web-client'])(
    'warns of the client id %s without a rule for the kind of token',
    (client) => {
      const warning = [
        expect.stringContaining(`the audiences ${client} of the issuer main look like client ids`),
      ]
      expect(warned({ audiences: ['https://api.example', client] })).toEqual(warning)
      expect(warned({ audiences: [client], claimRules: verified() })).toEqual(warning)
      expect(warned({ audiences: [client], typ: 'at+jwt' })).toEqual([])
      expect(
        warned({ audiences: [client], claimRules: [{ claim: '/token_use', equals: 'access' }] }),
      ).toEqual([])
      expect(warned({ audiences: ['https://api.example', 'api://default', 'urn:doors'] })).toEqual([])
    },
  )

  it('says after a semicolon what to do: the doctor shows it apart', () => {
    const all = warned({ ...google, audiences: ['account'] }, 'provision')
    expect(all).toHaveLength(2)
    for (const sentence of all) expect(sentence.split('; ')).toHaveLength(2)
  })
})

describe('the scheme of an app to which a login leads back', () => {
  it.each(['acme-app:', 'com.acme.doors:', 'acme2:', 'fb1234567890:'])('may be %s', (scheme) => {
    expect(read([issuer()], {}, { allowedRedirects: [scheme] }).allowedRedirects).toEqual([scheme])
  })

  it.each([
    'acme-app',
    'acme-app://',
    'acme-app:*',
    '*:',
    '*',
    '',
    ':',
    'ACME:',
    '1acme:',
    'acme app:',
    'https:',
    'http:',
    'https://app.example',
    'javascript:',
    'data:',
    'file:',
    'blob:',
    'view-source:',
    'intent:',
    'ms-settings:',
    'chrome-extension:',
    'mailto:',
  ])('may not be %j', (scheme) => {
    expect(() => read([issuer()], {}, { allowedRedirects: [scheme] })).toThrow('allowedRedirects[0]: ')
  })

  it('is none by itself', () => expect(read([issuer()]).allowedRedirects).toEqual([]))
})

describe('the address of Seam', () => {
  it.each([
    ['https://connect.getseam.com/', 'tokenVending.seamEndpoint: leave out the slash at its end'],
    ['http://seam.example', 'tokenVending.seamEndpoint: give an https:// address'],
  ])('%s is refused, with what to change', (seamEndpoint, message) => {
    expect(() => read([issuer()], {}, { seamEndpoint })).toThrow(message)
  })
})

describe('several issuers', () => {
  const other = (more: object = {}) => issuer({ name: 'other', issuer: 'https://other.example', ...more })

  it('may not be none, nor share a name or an address', () => {
    expect(() => read([])).toThrow('tokenVending.issuers: list at least one issuer')
    expect(() => read([issuer(), other({ name: 'main' })])).toThrow(
      'issuers[1].name: main is the name of another issuer; give each its own',
    )
  })

  const twins = (one: object, two: object) => () =>
    read([issuer(one), other({ issuer: 'https://id.example/', ...two })])
  const kind = (...claimRules: object[]) => ({ claimRules })

  it.each([
    ['nothing', {}, {}],
    ['one common audience', { audiences: ['a', 'b'] }, { audiences: ['b', 'c'] }],
    [
      'audiences in two claims of which a token may have both',
      { audiences: ['a'], audienceClaim: '/azp' },
      { audiences: ['b'], audienceClaim: '/client_id' },
    ],
    ['a rule of one of them', kind({ claim: '/kind', equals: 'a' }), {}],
    ['rules for two claims', kind({ claim: '/a', equals: 1 }), kind({ claim: '/b', equals: 2 })],
    ['lists that share a value', kind({ claim: '/a', oneOf: [1, 2] }), kind({ claim: '/a', oneOf: [2, 3] })],
    [
      'what lists contain',
      kind({ claim: '/roles', contains: 'a' }),
      kind({ claim: '/roles', contains: 'b' }),
    ],
    ['where a user stands', { subjectClaim: '/sub' }, { subjectClaim: '/oid' }],
  ])('of one "iss" are not told apart by %s', (_, one, two) => {
    expect(twins(one, two)).toThrow('issuers[1].issuer: is also the one of main, and a token may fit both')
    expect(twins(two, one)).toThrow('issuers[1].issuer: is also the one of main')
  })

  it.each([
    ['audiences', { audiences: ['a'] }, { audiences: ['b', 'c'] }],
    ['an audience in another claim', { audiences: ['a'], audienceClaim: '/azp' }, { audiences: ['b'] }],
    ['exact rules', kind({ claim: '/a', equals: 'x' }), kind({ claim: '/a', oneOf: ['y', 'z'] })],
    ['values of two types', kind({ claim: '/a', equals: true }), kind({ claim: '/a', equals: 'true' })],
  ])('of one "iss" are told apart by %s', (_, one, two) => {
    expect(twins(one, two)().issuers).toHaveLength(2)
    const shared = { subjectNamespace: 'main' }
    expect(configurationWarnings(twins({ ...one, typ: 'jwt' }, { ...two, ...shared, typ: 'jwt' })())).toEqual(
      [],
    )
  })

  it('may share a subject namespace, on purpose: that is a warning', () => {
    expect(configurationWarnings(read([issuer(), other()]))).toEqual([])
    expect(configurationWarnings(read([issuer(), other({ subjectNamespace: 'main' })]))).toEqual([
      expect.stringContaining('the issuers main, other share the subject namespace main'),
    ])
  })
})
