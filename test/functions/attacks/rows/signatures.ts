import { constants, createHash, sign } from 'node:crypto'
import { compact, encoded, type SigningKey, signatureOf } from '../../signing.ts'
import { attackerKey, exponent1, keys, ownKeys } from '../issuers.ts'
import { tokens } from '../row.ts'
import type { AttackedWorld } from '../world.ts'

/** Tokens that their issuer did not sign, or not so. */

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
  ...tokens('bent signatures', [
    [
      'one bit changed',
      'signature',
      (world) =>
        forged(world, (signature) =>
          Buffer.concat([signature.subarray(0, 63), Buffer.from([(signature[63] ?? 0) ^ 1])]),
        ),
    ],
    ['cut short', 'signature', (world) => forged(world, (signature) => signature.subarray(0, 60))],
    ['made longer', 'signature', (world) => forged(world, (signature) => Buffer.concat([signature, zero]))],
    ['r and s zero', 'signature', (world) => forged(world, () => Buffer.alloc(64))],
    [
      'r zero alone',
      'signature',
      (world) => forged(world, (signature) => Buffer.concat([zero, signature.subarray(32)])),
    ],
    [
      's zero alone',
      'signature',
      (world) => forged(world, (signature) => Buffer.concat([signature.subarray(0, 32), zero])),
    ],
    [
      'r and s the order of the curve',
      'signature',
      (world) => forged(world, () => Buffer.concat([p256Order, p256Order])),
    ],
    [
      'r and s in the wrong order',
      'signature',
      (world) =>
        forged(world, (signature) => Buffer.concat([signature.subarray(32), signature.subarray(0, 32)])),
    ],
    ['r and s in DER', 'signature', (world) => forged(world, derOf)],
    [
      'an Ed25519 signature plus the order of its curve',
      'signature',
      (world) => forged(world, plusOrder, keys.ed),
    ],
    [
      'an RSA signature with a zero before it',
      'signature',
      (world) => forged(world, (signature) => Buffer.concat([zero.subarray(0, 1), signature]), keys.rs),
    ],
    [
      'RSA’s 1',
      'signature',
      (world) => forged(world, () => Buffer.concat([Buffer.alloc(255), Buffer.from([1])]), keys.rs),
    ],
    [
      'an RSA signature of another digest',
      'signature',
      (world) => forged(world, (_, input) => sign('sha512', Buffer.from(input), keys.rs.privateKey), keys.rs),
    ],
    [
      'PSS with salt of another length',
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
      'signature',
      (world) => world.token().replace(/\.[^.]+\./, `.${encoded(world.claims({ sub: 'eve' }))}.`),
    ],
    [
      'over a header that was changed',
      'signature',
      (world) => world.token().replace(/^[^.]+/, encoded({ alg: 'ES256', kid: 'es', typ: 'JWT' })),
    ],
    [
      'over the payload alone',
      'signature',
      (world) => forged(world, (_, input) => signatureOf(input.split('.')[1] ?? '', keys.es)),
    ],
    [
      'of another good token',
      'signature',
      (world) => world.token().replace(/[^.]+$/, world.token({ sub: 'eve' }).split('.')[2] ?? ''),
    ],
  ]),

  ...tokens('keys that are not the issuer’s, or not for this', [
    ['a stranger’s, under the right name', 'signature', (world) => world.token({}, {}, attackerKey)],
    ['another issuer’s, under the right name', 'signature', (world) => world.token({}, {}, ownKeys.other)],
    [
      'ours, for another issuer',
      'signature',
      (world) => compact({}, world.claims({ aud: 'other-audience' }, 'other'), keys.es),
    ],
    ['one for encryption', 'key_may_not_verify', (world) => world.token({}, {}, keys.encryption)],
    ['one that may only sign', 'key_may_not_verify', (world) => world.token({}, {}, keys.signOnly)],
    ['one whose private half was published', 'key_private', (world) => world.token({}, {}, keys.leaked)],
    [
      'one on another curve',
      'key_of_another_algorithm',
      (world) => world.token({}, { alg: 'ES256', kid: 'p384' }, keys.p384),
    ],
    [
      'one for another digest',
      'key_of_another_algorithm',
      (world) => world.token({}, {}, { ...keys.rs512, alg: 'RS256' }),
    ],
    ['one of 1024 bits', 'key_too_short', (world) => world.token({}, {}, keys.short)],
    ['one with the exponent 3', 'key_exponent', (world) => world.token({}, {}, keys.exponent3)],
    [
      'one with the exponent 1, which signs for everybody',
      'key_exponent',
      (world) => {
        const input = `${encoded({ alg: 'RS256', kid: exponent1.kid })}.${encoded(world.claims())}`
        return `${input}.${paddingOf(input).toString('base64url')}`
      },
    ],
  ]),
]
