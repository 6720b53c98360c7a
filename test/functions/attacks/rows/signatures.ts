import { constants, createHash, createHmac, createPublicKey, privateEncrypt, sign } from 'node:crypto'
import { compact, encoded, type Part, type SigningKey, signatureOf, signingKey } from '../../signing.ts'
import type { Defence } from '../defences.ts'
import { attackerKey, exponent1, keys, ownKeys } from '../issuers.ts'
import { tokens } from '../row.ts'
import type { AttackedWorld } from '../world.ts'

/** Tokens that their issuer did not sign, or not so. */

const unlisted: Defence[] = ['listed algorithms only', 'fitting keys only', 'the signature, by jose']
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

/** A good header and payload under other bytes of signature. */
function forged(
  world: AttackedWorld,
  change: (signature: Buffer, input: string) => Buffer,
  key: SigningKey = keys.es,
) {
  const input = `${encoded({ alg: key.alg, kid: key.kid })}.${encoded(world.claims())}`
  return `${input}.${change(signatureOf(input, key), input).toString('base64url')}`
}

function derOf(raw: Buffer): Buffer {
  const integers = [raw.subarray(0, 32), raw.subarray(32)].map((half) =>
    Buffer.concat([Buffer.from([2, 33, 0]), half]),
  )
  return Buffer.concat([Buffer.from([0x30, 70]), ...integers])
}

/** PKCS#1's padding itself: under an exponent of 1 it is its own signature (RFC 8017 §9.2). */
function paddingOf(input: string): Buffer {
  const prefix = Buffer.from('3031300d060960864801650304020105000420', 'hex')
  const digest = Buffer.concat([prefix, createHash('sha256').update(input).digest()])
  return Buffer.concat([
    Buffer.from([0, 1]),
    Buffer.alloc(256 - 3 - digest.length, 0xff),
    Buffer.from([0]),
    digest,
  ])
}

/** The order of edwards25519's base point, added to the second half of a signature: the same to a lax verifier. */
function plusOrder(signature: Buffer): Buffer {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  const little = Buffer.from(signature.subarray(32)).reverse()
  const sum = (BigInt(`0x${little.toString('hex')}`) + order).toString(16).padStart(64, '0')
  return Buffer.concat([signature.subarray(0, 32), Buffer.from(sum, 'hex').reverse()])
}

const p256Order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex')
const zero = Buffer.alloc(32)

export const signatureRows = [
  ...tokens('no algorithm', [
    [
      'none, with an empty signature',
      ['no empty part', ...unlisted],
      'not_compact',
      (world) => unsigned({ alg: 'none' }, world, ''),
    ],
    ['none, with any signature', unlisted, 'algorithm', (world) => unsigned({ alg: 'none' }, world)],
    ['none in mixed case', unlisted, 'algorithm', (world) => unsigned({ alg: 'nOnE', kid: 'es' }, world)],
    ['none between blanks', unlisted, 'algorithm', (world) => unsigned({ alg: ' none\n' }, world)],
    ['none, with a good signature', unlisted, 'algorithm', (world) => world.token({}, { alg: 'none' })],
    ['no parameter', unlisted, 'algorithm', (world) => unsigned({ typ: 'JWT', kid: 'es' }, world)],
    ['null', unlisted, 'algorithm', (world) => unsigned({ alg: null, kid: 'es' }, world)],
    ['an empty text', unlisted, 'algorithm', (world) => unsigned({ alg: '', kid: 'es' }, world)],
    ['a list with a good one', unlisted, 'algorithm', (world) => world.token({}, { alg: ['ES256'] })],
    ['an object', unlisted, 'algorithm', (world) => world.token({}, { alg: { toString: 'ES256' } })],
    [
      'what every object inherits',
      unlisted,
      'algorithm',
      (world) => unsigned({ alg: 'constructor', kid: 'es' }, world),
    ],
  ]),

  ...tokens('algorithm confusion', [
    ['the public key as a secret: PEM', unlisted, 'algorithm', (world) => hmac('HS256', spki, world)],
    [
      '… PEM without its last line break',
      unlisted,
      'algorithm',
      (world) => hmac('HS256', spki.trimEnd(), world),
    ],
    [
      '… PEM of PKCS #1',
      unlisted,
      'algorithm',
      (world) => hmac('HS256', publicKey.export({ type: 'pkcs1', format: 'pem' }), world),
    ],
    [
      '… DER, with SHA-384',
      unlisted,
      'algorithm',
      (world) => hmac('HS384', publicKey.export({ type: 'spki', format: 'der' }), world),
    ],
    [
      '… its JWK, with SHA-512',
      unlisted,
      'algorithm',
      (world) => hmac('HS512', JSON.stringify(keys.rs.jwk), world),
    ],
    [
      '… its modulus alone',
      unlisted,
      'algorithm',
      (world) => hmac('HS256', Buffer.from(keys.rs.jwk.n ?? '', 'base64url'), world),
    ],
    [
      '… a point on a curve',
      unlisted,
      'algorithm',
      (world) => hmac('HS256', Buffer.from(keys.es.jwk.x ?? '', 'base64url'), world, 'es'),
    ],
    [
      '… under the name of RSA',
      ['the signature, by jose'],
      'signature',
      (world) => {
        const input = `${encoded({ alg: 'RS256', kid: 'rs' })}.${encoded(world.claims())}`
        return `${input}.${createHmac('sha256', spki).update(input).digest('base64url')}`
      },
    ],
    [
      'a shared secret that the issuer publishes',
      unlisted,
      'algorithm',
      (world) => hmac('HS256', 'secret'.repeat(8), world, 'secret'),
    ],
    ['an empty secret', unlisted, 'algorithm', (world) => hmac('HS256', '', world, 'none')],
    [
      'PSS with a key for PKCS #1',
      ['fitting keys only'],
      'unknown_key',
      (world) => world.token({}, {}, { ...keys.rs, alg: 'PS256' }),
    ],
    [
      'PKCS #1 with a key for PSS',
      ['fitting keys only'],
      'unknown_key',
      (world) => world.token({}, {}, { ...keys.ps, alg: 'RS256' }),
    ],
    [
      'SHA-384 with a key that has no such curve',
      unlisted,
      'algorithm',
      (world) => world.token({}, { alg: 'ES384' }),
    ],
    [
      'an algorithm of another issuer',
      unlisted,
      'algorithm',
      (world) => compact({ kid: 'es' }, world.claims({}, 'slash'), keys.rs),
    ],
    [
      'RSA with a key on a curve',
      ['fitting keys only', 'the signature, by jose'],
      'unknown_key',
      (world) => world.token({}, { kid: 'es' }, keys.rs),
    ],
    [
      'encryption instead of a signature',
      ['the signature, by jose'],
      'signature',
      (world) =>
        forged(
          world,
          (_, input) =>
            privateEncrypt(
              { key: signingKey('RS256').privateKey, padding: constants.RSA_PKCS1_PADDING },
              createHash('sha256').update(input).digest(),
            ),
          keys.rs,
        ),
    ],
    [
      'EdDSA under its old name, which is not listed',
      unlisted,
      'algorithm',
      (world) => world.token({}, { alg: 'EdDSA' }, keys.ed),
    ],
  ]),

  ...tokens('bent signatures', [
    [
      'one bit changed',
      ['the signature, by jose'],
      'signature',
      (world) =>
        forged(world, (signature) =>
          Buffer.concat([signature.subarray(0, 63), Buffer.from([(signature[63] ?? 0) ^ 1])]),
        ),
    ],
    [
      'cut short',
      ['the signature, by jose'],
      'signature',
      (world) => forged(world, (signature) => signature.subarray(0, 60)),
    ],
    [
      'made longer',
      ['the signature, by jose'],
      'signature',
      (world) => forged(world, (signature) => Buffer.concat([signature, zero])),
    ],
    [
      'r and s zero',
      ['the signature, by jose'],
      'signature',
      (world) => forged(world, () => Buffer.alloc(64)),
    ],
    [
      'r zero alone',
      ['the signature, by jose'],
      'signature',
      (world) => forged(world, (signature) => Buffer.concat([zero, signature.subarray(32)])),
    ],
    [
      's zero alone',
      ['the signature, by jose'],
      'signature',
      (world) => forged(world, (signature) => Buffer.concat([signature.subarray(0, 32), zero])),
    ],
    [
      'r and s the order of the curve',
      ['the signature, by jose'],
      'signature',
      (world) => forged(world, () => Buffer.concat([p256Order, p256Order])),
    ],
    [
      'r and s in the wrong order',
      ['the signature, by jose'],
      'signature',
      (world) =>
        forged(world, (signature) => Buffer.concat([signature.subarray(32), signature.subarray(0, 32)])),
    ],
    ['r and s in DER', ['the signature, by jose'], 'signature', (world) => forged(world, derOf)],
    [
      'an Ed25519 signature plus the order of its curve',
      ['the signature, by jose'],
      'signature',
      (world) => forged(world, plusOrder, keys.ed),
    ],
    [
      'an RSA signature with a zero before it',
      ['the signature, by jose'],
      'signature',
      (world) => forged(world, (signature) => Buffer.concat([zero.subarray(0, 1), signature]), keys.rs),
    ],
    [
      'RSA’s 1',
      ['the signature, by jose'],
      'signature',
      (world) => forged(world, () => Buffer.concat([Buffer.alloc(255), Buffer.from([1])]), keys.rs),
    ],
    [
      'an RSA signature of another digest',
      ['the signature, by jose'],
      'signature',
      (world) => forged(world, (_, input) => sign('sha512', Buffer.from(input), keys.rs.privateKey), keys.rs),
    ],
    [
      'PSS with salt of another length',
      ['the signature, by jose'],
      'signature',
      (world) =>
        forged(
          world,
          (_, input) =>
            sign('sha256', Buffer.from(input), {
              key: keys.ps.privateKey,
              padding: constants.RSA_PKCS1_PSS_PADDING,
              saltLength: 20,
            }),
          keys.ps,
        ),
    ],
    [
      'over a payload that was changed',
      ['the signature, by jose'],
      'signature',
      (world) => world.token().replace(/\.[^.]+\./, `.${encoded(world.claims({ sub: 'eve' }))}.`),
    ],
    [
      'over a header that was changed',
      ['the signature, by jose'],
      'signature',
      (world) => world.token().replace(/^[^.]+/, encoded({ alg: 'ES256', kid: 'es', typ: 'JWT' })),
    ],
    [
      'over the payload alone',
      ['the signature, by jose'],
      'signature',
      (world) => forged(world, (_, input) => signatureOf(input.split('.')[1] ?? '', keys.es)),
    ],
    [
      'of another good token',
      ['the signature, by jose'],
      'signature',
      (world) => world.token().replace(/[^.]+$/, world.token({ sub: 'eve' }).split('.')[2] ?? ''),
    ],
  ]),

  ...tokens('keys that are not the issuer’s, or not for this', [
    [
      'a stranger’s, under the right name',
      ['the signature, by jose'],
      'signature',
      (world) => world.token({}, {}, attackerKey),
    ],
    [
      'another issuer’s, under the right name',
      ['the signature, by jose'],
      'signature',
      (world) => world.token({}, {}, ownKeys.other),
    ],
    [
      'ours, for another issuer',
      ['the signature, by jose'],
      'signature',
      (world) => compact({}, world.claims({ aud: 'other-audience' }, 'other'), keys.es),
    ],
    [
      'one for encryption',
      ['fitting keys only'],
      'unknown_key',
      (world) => world.token({}, {}, keys.encryption),
    ],
    [
      'one that may only sign',
      ['fitting keys only'],
      'unknown_key',
      (world) => world.token({}, {}, keys.signOnly),
    ],
    [
      'one whose private half was published',
      ['fitting keys only'],
      'unknown_key',
      (world) => world.token({}, {}, keys.leaked),
    ],
    [
      'one on another curve',
      ['fitting keys only', 'the signature, by jose'],
      'unknown_key',
      (world) => world.token({}, { alg: 'ES256', kid: 'p384' }, keys.p384),
    ],
    [
      'one for another digest',
      ['fitting keys only'],
      'unknown_key',
      (world) => world.token({}, {}, { ...keys.rs512, alg: 'RS256' }),
    ],
    ['one of 1024 bits', ['the signature, by jose'], 'signature', (world) => world.token({}, {}, keys.short)],
    [
      'one with the exponent 3',
      ['strong exponents only'],
      'unknown_key',
      (world) => world.token({}, {}, keys.exponent3),
    ],
    [
      'one with the exponent 1, which signs for everybody',
      ['strong exponents only'],
      'unknown_key',
      (world) => {
        const input = `${encoded({ alg: 'RS256', kid: exponent1.kid })}.${encoded(world.claims())}`
        return `${input}.${paddingOf(input).toString('base64url')}`
      },
    ],
  ]),
]
