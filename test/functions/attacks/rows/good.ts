import { compact, encoded, signatureOf } from '../../signing.ts'
import { audience, keys, ownKeys } from '../issuers.ts'
import { bearer, type Row } from '../row.ts'
import type { AttackedWorld, StrangeRequest } from '../world.ts'

/** What must work, however strange it looks: a wall that keeps out the honest is no defence. */

type Good = [name: string, subject: string, request: (world: AttackedWorld) => string | StrangeRequest]

const good: Good[] = [
  ['signed with ES256', 'main|ada', (world) => world.token()],
  ['signed with RS256', 'main|ada', (world) => world.token({}, {}, keys.rs)],
  ['signed with PS256', 'main|ada', (world) => world.token({}, {}, keys.ps)],
  ['signed with Ed25519', 'main|ada', (world) => world.token({}, {}, keys.ed)],
  [
    'with the other of two signatures that one ECDSA signature stands for',
    'main|ada',
    (world) => {
      const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
      const input = `${encoded({ alg: 'ES256', kid: 'es' })}.${encoded(world.claims())}`
      const signature = signatureOf(input, keys.es)
      const s = order - BigInt(`0x${signature.subarray(32).toString('hex')}`)
      const other = Buffer.from(s.toString(16).padStart(64, '0'), 'hex')
      return `${input}.${Buffer.concat([signature.subarray(0, 32), other]).toString('base64url')}`
    },
  ],
  [
    'without a key id, when one of several keys has signed it',
    'main|ada',
    (world) => world.token({}, { kid: undefined }),
  ],
  [
    'without a key id, from an issuer that names no keys',
    'unnamed|ada',
    (world) => world.tokenFrom('unnamed', {}, { kid: undefined }),
  ],
  ['with the type JWT', 'main|ada', (world) => world.token({}, { typ: 'JWT' })],
  ['with the type at+jwt', 'main|ada', (world) => world.token({}, { typ: 'at+jwt' })],
  [
    'with a type in full and in capitals',
    'typed|ada',
    (world) => world.tokenFrom('typed', {}, { typ: 'application/AT+JWT' }),
  ],
  [
    'with header parameters that nobody needs',
    'main|ada',
    (world) => world.token({}, { x5t: 'x', cty: 'JSON', cat: 'cl_x' }),
  ],
  [
    'with a list of audiences',
    'main|ada',
    (world) => world.token({ aud: ['https://id.example/userinfo', audience] }),
  ],
  [
    'with its audience in another claim',
    'client|ada',
    (world) => world.tokenFrom('client', { aud: undefined, client_id: 'web-client' }),
  ],
  [
    'with its audience in both claims',
    'client|ada',
    (world) => world.tokenFrom('client', { aud: ['web-client'], client_id: 'web-client' }),
  ],
  ['within the tolerance of its end', 'main|ada', (world) => world.token({ exp: world.now - 4.999 })],
  ['within the tolerance of its beginning', 'main|ada', (world) => world.token({ nbf: world.now + 5 })],
  ['issued within the tolerance', 'main|ada', (world) => world.token({ iat: world.now + 5 })],
  ['as old as may be', 'aged|ada', (world) => world.tokenFrom('aged', { iat: world.now - 300 })],
  ['of unknown age where age does not count', 'main|ada', (world) => world.token({ iat: undefined })],
  ['valid since 1970, as Keycloak had it', 'main|ada', (world) => world.token({ nbf: 0 })],
  ['that ends with the world', 'main|ada', (world) => world.token({ exp: 8.64e12 })],
  [
    'with times in fractions',
    'main|ada',
    (world) => world.token({ iat: world.now - 0.5, exp: world.now + 0.25 }),
  ],
  [
    'of a subject in a nested claim with a URL for a name',
    'app|7b1f',
    (world) => world.tokenFrom('nested', { sub: 'ada', 'https://app.example/ids': { user: '7b1f' } }),
  ],
  [
    'of a subject in a list',
    'listed|ada@id.example',
    (world) => world.tokenFrom('listed', { identities: ['ada@id.example', 'other'] }),
  ],
  [
    'of a subject of 255 characters',
    `main|${'x'.repeat(255)}`,
    (world) => world.token({ sub: 'x'.repeat(255) }),
  ],
  ['of a subject in another script', 'main|Ἀδελαΐς', (world) => world.token({ sub: 'Ἀδελαΐς' })],
  [
    'of a subject with our own separator',
    'main|auth0|507f1f77bcf86cd799439011',
    (world) => world.token({ sub: 'auth0|507f1f77bcf86cd799439011' }),
  ],
  [
    'of a subject that looks like markup and like a key of the table',
    'main|<b>user#settings</b>',
    (world) => world.token({ sub: '<b>user#settings</b>' }),
  ],
  [
    'of a subject named like what every object inherits',
    'main|__proto__',
    (world) => world.token({ sub: '__proto__' }),
  ],
  ['of an issuer with a slash at its end', 'slash|ada', (world) => world.tokenFrom('slash')],
  [
    'that every rule lets in',
    'ruled|ada',
    (world) =>
      world.tokenFrom('ruled', {
        email_verified: true,
        org: { tier: 1 },
        scope: 'devices',
        roles: ['owner', 'tenant'],
      }),
  ],
  [
    'with equal names in different objects',
    'main|ada',
    (world) => world.token({ a: { b: 1 }, c: { b: 2, d: [{ b: 3 }, { b: 4 }] } }),
  ],
  [
    'with names that look like structure',
    'main|ada',
    (world) => world.token({ '{"sub":': '":"', '\\"': ['}', ']'] }),
  ],
  [
    'nested as deep as may be',
    'main|ada',
    (world) =>
      compact(
        {},
        JSON.stringify(world.claims()).replace('{', `{"a":${'['.repeat(15)}${']'.repeat(15)},`),
        ownKeys.main,
      ),
  ],
  [
    'with claims that would be a prototype’s',
    'main|ada',
    (world) =>
      compact(
        {},
        JSON.stringify(world.claims()).replace('{', '{"__proto__":{"sub":"eve","exp":1},'),
        ownKeys.main,
      ),
  ],
  ['of nearly 9,500 characters', 'main|ada', (world) => world.token({ filler: 'x'.repeat(6700) })],
  [
    'with another’s address of keys, and of certificates, in its header',
    'main|ada',
    (world) => world.token({}, { jku: `${world.attacker.address}/jwks`, x5u: world.attacker.address }),
  ],
  [
    'with certificates in its header, or none',
    'main|ada',
    (world) => world.token({}, { x5c: ['SU5UUlVERVI='], x5t: '' }),
  ],
  [
    'of a subject with a blank',
    'main|CN=Ada L,OU=Staff',
    (world) => world.token({ sub: 'CN=Ada L,OU=Staff' }),
  ],
  [
    'under a scheme in capitals, after blanks',
    'main|ada',
    (world) => ({ headers: [['Authorization', `BEARER   ${world.token()}`]] }),
  ],
  [
    'with an empty body of another type',
    'main|ada',
    (world) => bearer(world.token(), { headers: [['content-type', 'text/plain']], body: '' }),
  ],
  [
    'with an empty object',
    'main|ada',
    (world) =>
      bearer(world.token(), { headers: [['content-type', 'application/json; charset=utf-8']], body: '{}' }),
  ],
  [
    'with a cookie beside it',
    'main|ada',
    (world) => bearer(world.token(), { headers: [['cookie', 'INTRUDER=1']] }),
  ],
  [
    'from a page of ours',
    'main|ada',
    (world) => bearer(world.token(), { headers: [['origin', 'https://app.example:8443']] }),
  ],
]

export const goodRows: Row[] = good.map(([name, vends, request]) => ({
  class: 'good tokens',
  name,
  request: (world) => {
    const made = request(world)
    return typeof made === 'string' ? bearer(made) : made
  },
  answer: { vends },
}))
