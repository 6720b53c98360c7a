import { constants, createHash, createHmac, createPublicKey, privateEncrypt } from 'node:crypto'
import { compact, encoded, type Part, signingKey } from '../../signing.ts'
import { keys } from '../issuers.ts'
import { tokens } from '../row.ts'
import type { AttackedWorld } from '../world.ts'

/** Tokens whose `alg` would have us verify them in another way, or not at all. */

const publicKey = createPublicKey(keys.rs.privateKey)
const spki = publicKey.export({ type: 'spki', format: 'pem' }) as string

function unsigned(header: Part, world: AttackedWorld, signature = 'AA'): string {
  return `${encoded(header)}.${encoded(world.claims())}.${signature}`
}

/** As if a public key were a shared secret. */
function hmac(alg: string, secret: string | Buffer, world: AttackedWorld, kid = 'rs'): string {
  const input = `${encoded({ alg, kid })}.${encoded(world.claims())}`
  return `${input}.${createHmac(`sha${alg.slice(2)}`, secret)
    .update(input)
    .digest('base64url')}`
}

export const algorithmRows = [
  ...tokens('no algorithm', [
    ['none, with an empty signature', 'not_compact', (world) => unsigned({ alg: 'none' }, world, '')],
    ['none, with any signature', 'algorithm', (world) => unsigned({ alg: 'none' }, world)],
    ['none in mixed case', 'algorithm', (world) => unsigned({ alg: 'nOnE', kid: 'es' }, world)],
    ['none between blanks', 'algorithm', (world) => unsigned({ alg: ' none\n' }, world)],
    ['none, with a good signature', 'algorithm', (world) => world.token({}, { alg: 'none' })],
    ['no parameter', 'algorithm', (world) => unsigned({ typ: 'JWT', kid: 'es' }, world)],
    ['null', 'algorithm', (world) => unsigned({ alg: null, kid: 'es' }, world)],
    ['an empty text', 'algorithm', (world) => unsigned({ alg: '', kid: 'es' }, world)],
    ['a list with a good one', 'algorithm', (world) => world.token({}, { alg: ['ES256'] })],
    ['an object', 'algorithm', (world) => world.token({}, { alg: { toString: 'ES256' } })],
    [
      'what every object inherits',
      'algorithm',
      (world) => unsigned({ alg: 'constructor', kid: 'es' }, world),
    ],
  ]),
  ...tokens('algorithm confusion', [
    ['the public key as a secret: PEM', 'algorithm', (world) => hmac('HS256', spki, world)],
    ['… PEM without its last line break', 'algorithm', (world) => hmac('HS256', spki.trimEnd(), world)],
    [
      '… PEM of PKCS #1',
      'algorithm',
      (world) => hmac('HS256', publicKey.export({ type: 'pkcs1', format: 'pem' }), world),
    ],
    [
      '… DER, with SHA-384',
      'algorithm',
      (world) => hmac('HS384', publicKey.export({ type: 'spki', format: 'der' }), world),
    ],
    ['… its JWK, with SHA-512', 'algorithm', (world) => hmac('HS512', JSON.stringify(keys.rs.jwk), world)],
    [
      '… its modulus alone',
      'algorithm',
      (world) => hmac('HS256', Buffer.from(keys.rs.jwk.n ?? '', 'base64url'), world),
    ],
    [
      '… a point on a curve',
      'algorithm',
      (world) => hmac('HS256', Buffer.from(keys.es.jwk.x ?? '', 'base64url'), world, 'es'),
    ],
    [
      '… under the name of RSA',
      'signature',
      (world) => {
        const input = `${encoded({ alg: 'RS256', kid: 'rs' })}.${encoded(world.claims())}`
        return `${input}.${createHmac('sha256', spki).update(input).digest('base64url')}`
      },
    ],
    [
      'a shared secret that the issuer publishes',
      'algorithm',
      (world) => hmac('HS256', 'secret'.repeat(8), world, 'secret'),
    ],
    ['an empty secret', 'algorithm', (world) => hmac('HS256', '', world, 'none')],
    [
      'PSS with a key for PKCS #1',
      'key_of_another_algorithm',
      (world) => world.token({}, {}, { ...keys.rs, alg: 'PS256' }),
    ],
    [
      'PKCS #1 with a key for PSS',
      'key_of_another_algorithm',
      (world) => world.token({}, {}, { ...keys.ps, alg: 'RS256' }),
    ],
    ['SHA-384 with a key that has no such curve', 'algorithm', (world) => world.token({}, { alg: 'ES384' })],
    [
      'an algorithm of another issuer',
      'algorithm',
      (world) => compact({ kid: 'es' }, world.claims({}, 'slash'), keys.rs),
    ],
    [
      'RSA with a key on a curve',
      'key_of_another_algorithm',
      (world) => world.token({}, { kid: 'es' }, keys.rs),
    ],
    [
      'encryption instead of a signature',
      'signature',
      (world) => {
        const input = `${encoded({ alg: 'RS256', kid: 'rs' })}.${encoded(world.claims())}`
        const key = { key: signingKey('RS256').privateKey, padding: constants.RSA_PKCS1_PADDING }
        return `${input}.${privateEncrypt(key, createHash('sha256').update(input).digest()).toString('base64url')}`
      },
    ],
    [
      'EdDSA under its old name, which is not listed',
      'algorithm',
      (world) => world.token({}, { alg: 'EdDSA' }, keys.ed),
    ],
  ]),
]
