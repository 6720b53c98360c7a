import { describe, expect, it } from 'vitest'
import { type ConfigurationInput, configurationWarnings, readConfiguration } from '../../functions/config.ts'

type IssuerInput = ConfigurationInput['issuers'][number]

const issuer = (more: object = {}): IssuerInput => ({
  name: 'main',
  issuer: 'https://id.example/',
  audiences: ['https://vending.example'],
  ...more,
})

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
    [{ jwksUri: 'http://id.example/jwks' }, '.jwksUri: give an https:// address'],
    [{ jwksUri: 'http://localhost/jwks' }, '.jwksUri: plain http is for the local world only'],
    [{ audiences: [] }, '.audiences: list at least one audience; an empty list would mean nobody, never all'],
    [{ audiences: [''] }, '.audiences[0]: this text must not be empty'],
    [{ algorithms: [] }, '.algorithms: list at least one algorithm'],
    [{ algorithms: ['RS256', 'HS256'] }, '.algorithms[1]: use only RS256, RS384'],
    [{ algorithms: ['HS256'] }, 'with a shared secret (HS256) whoever can verify a token can also make one'],
    [{ algorithms: ['none'] }, '.algorithms[0]: use only'],
    [{ clockToleranceSeconds: 61 }, '.clockToleranceSeconds: give at most 60 seconds'],
    [{ maxTokenAgeSeconds: 1 }, '.maxTokenAgeSeconds: give at least 60 seconds'],
    [{ typ: '' }, '.typ: this text must not be empty'],
    [{ subjectClaim: 'sub' }, '.subjectClaim: give a JSON pointer to a claim, such as "/sub"'],
    [{ audienceClaim: '/a~2b' }, '.audienceClaim: give a JSON pointer'],
    [{ subjectNamespace: 'a|b' }, '.subjectNamespace: use 1 to 32 of the characters'],
    [{ claimRules: [{ claim: '/a' }] }, '.claimRules[0]: give { "claim": "/pointer" } with exactly one of'],
    [{ claimRules: [{ claim: '/a', equals: 1, contains: 2 }] }, '.claimRules[0]: give { "claim"'],
    [{ claimRules: [{ claim: '/a', equals: ['x'] }] }, '.claimRules[0]: give { "claim"'],
    [{ claimRules: [{ claim: '/a', oneOf: [] }] }, '.claimRules[0]: give { "claim"'],
    [{ unknownSubjects: 'accept' }, '.unknownSubjects: choose "reject" or "provision"'],
    [{ audience: 'x' }, ': unknown: audience; remove it or correct the spelling'],
  ])('%j: the message names the field and says what to change', (more, message) => {
    expect(() => read([issuer(more)])).toThrow(
      `tokenVending.issuers[0]${message.startsWith('with') ? '.algorithms' : message}`,
    )
    expect(() => read([issuer(more)])).toThrow(message)
  })

  it('may speak plain http to loopback addresses in the local world', () => {
    const local = issuer({ issuer: 'http://127.0.0.1:4800', jwksUri: 'http://localhost:4800/jwks' })
    expect(read([local], { loopback: true }).issuers[0]?.issuer).toBe('http://127.0.0.1:4800')
    expect(() => read([issuer({ issuer: 'http://127.0.0.1.evil.example' })], { loopback: true })).toThrow(
      'https://',
    )
  })
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
    expect(() => read([issuer(), other({ issuer: 'https://id.example/' })])).toThrow(
      'issuers[1].issuer: is listed twice',
    )
  })

  it('may share a subject namespace, on purpose: that is a warning', () => {
    expect(configurationWarnings(read([issuer(), other()]))).toEqual([])
    expect(configurationWarnings(read([issuer(), other({ subjectNamespace: 'main' })]))).toEqual([
      expect.stringContaining('the issuers main, other share the subject namespace main'),
    ])
  })
})
