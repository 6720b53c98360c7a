import { compact, encoded, signatureOf } from '../../signing.ts'
import { ownKeys } from '../issuers.ts'
import { tokens, tooLong } from '../row.ts'
import type { AttackedWorld } from '../world.ts'

/** Tokens that two parsers could read differently, or that are none. */

const header = JSON.stringify({ alg: 'ES256', kid: 'es' })
const payload = (world: AttackedWorld) => JSON.stringify(world.claims())
/** Signed as they stand: only how they are written is wrong. */
const raw = (first: string, second: string) => compact(first, second, ownKeys.main)
const withMember = (world: AttackedWorld, member: string) =>
  raw(header, payload(world).replace('{', `{${member},`))

/** Signs parts that are encoded already. */
function signed(first: string, second: string): string {
  return `${first}.${second}.${signatureOf(`${first}.${second}`, ownKeys.main).toString('base64url')}`
}

/** Another last character that stands for the same bytes: only for parts that do not fill their last group. */
function withStrayBits(part: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(part.at(-1) ?? '')
  return part.slice(0, -1) + alphabet[last + 1]
}

/** JSON is free to hold blanks: as many as the last group of base64url needs to be short. */
function unfilled(text: string): string {
  return Buffer.byteLength(text) % 3 === 0 ? `${text} ` : text
}

const jwe = { alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: 'rs' }

export const readingRows = [
  ...tokens('no JWS', [
    ['an opaque token, as Auth0 gives without an audience', 'not_compact', () => encoded('opaque INTRUDER')],
    [
      'three parts and two more',
      'not_compact',
      (world) => `${world.token()}.${encoded('a')}.${encoded('b')}`,
    ],
    [
      'a JWE',
      'not_compact',
      (world) =>
        [
          encoded(jwe),
          Buffer.from([0xff, 0xfe]).toString('base64url'),
          encoded('iv'),
          encoded(payload(world)),
          encoded('tag'),
        ].join('.'),
    ],
    ['two parts', 'not_compact', (world) => world.token().split('.').slice(0, 2).join('.')],
    ['dots alone', 'not_compact', () => '..'],
    ['a detached payload', 'not_compact', (world) => world.token().replace(/\.[^.]+\./, '..')],
    [
      'flattened JSON serialisation',
      'not_compact',
      (world) =>
        JSON.stringify({ protected: encoded(header), payload: encoded(payload(world)), signature: 'AA' }),
    ],
    ['a payload that is no JSON', 'not_json', () => raw(header, 'INTRUDER')],
    ['a payload that is cut off', 'not_json', (world) => raw(header, payload(world).slice(0, -1))],
    ['a header that is cut off', 'not_json', (world) => raw(header.slice(0, -1), payload(world))],
    ['a payload that is null', 'not_an_object', () => raw(header, 'null')],
    ['a token in a token', 'not_json', (world) => compact({ cty: 'JWT' }, world.token(), ownKeys.main)],
    [
      'a JWE whose algorithm is a signature’s',
      'not_compact',
      (world) =>
        [
          encoded({ ...jwe, alg: 'ES256' }),
          encoded('key'),
          encoded('iv'),
          encoded(payload(world)),
          encoded('tag'),
        ].join('.'),
    ],
  ]),

  ...tokens('encoding', [
    [
      'stray bits at the end of the payload',
      'base64url',
      (world) => signed(encoded(header), withStrayBits(encoded(unfilled(payload(world))))),
    ],
    [
      'stray bits at the end of the header',
      'base64url',
      (world) => signed(withStrayBits(encoded(unfilled(header))), encoded(payload(world))),
    ],
    ['stray bits at the end of the signature', 'base64url', (world) => withStrayBits(world.token())],
    ['a padded signature', 'base64url', (world) => `${world.token()}==`],
    [
      'a padded payload',
      'base64url',
      (world) => {
        const part = encoded(unfilled(payload(world)))
        return signed(encoded(header), part + '='.repeat((4 - (part.length % 4)) % 4))
      },
    ],
    ['a blank in the signature', 'base64url', (world) => world.token().replace(/.{4}$/, ' $&')],
    [
      'a tab in the payload',
      'base64url',
      (world) => signed(encoded(header), encoded(payload(world)).replace(/^..../, '$&\t')),
    ],
    ['the alphabet of base64', 'base64url', (world) => world.token().replace(/\.[^.]*$/, '.++//')],
    [
      'a byte that is no UTF-8 in the subject',
      'not_text',
      (world) => {
        const bytes = Buffer.from(JSON.stringify(world.claims({ sub: 'ada~' })))
        bytes[bytes.indexOf('~')] = 0xff
        return signed(encoded(header), bytes.toString('base64url'))
      },
    ],
    [
      'a slash in an overlong encoding',
      'not_text',
      (world) => {
        const bytes = Buffer.from(JSON.stringify(world.claims({ sub: 'ada~~' })))
        bytes.set([0xc0, 0xaf], bytes.indexOf('~~'))
        return signed(encoded(header), bytes.toString('base64url'))
      },
    ],
    [
      'UTF-16',
      'not_json',
      (world) => signed(encoded(header), Buffer.from(payload(world), 'utf16le').toString('base64url')),
    ],
    ['a byte order mark before the payload', 'not_json', (world) => raw(header, `\ufeff${payload(world)}`)],
    ['a byte order mark before the header', 'not_json', (world) => raw(`\ufeff${header}`, payload(world))],
  ]),

  ...tokens('duplicate members and size', [
    ['two subjects', 'duplicate_member', (world) => withMember(world, '"sub":"eve"')],
    [
      'two subjects, one written with escapes',
      'duplicate_member',
      (world) => withMember(world, '"\\u0073\\u0075\\u0062":"eve"'),
    ],
    ['two audiences', 'duplicate_member', (world) => withMember(world, '"aud":"somebody else"')],
    [
      'two equal names deep inside',
      'duplicate_member',
      (world) => withMember(world, '"a":[{"b":{"c":1,"c":2}}]'),
    ],
    [
      'two algorithms',
      'duplicate_member',
      (world) => raw('{"alg":"none","alg":"ES256","kid":"es"}', payload(world)),
    ],
    [
      'two prototypes',
      'duplicate_member',
      (world) => withMember(world, '"__proto__":{},"__proto__":{"sub":"eve"}'),
    ],
    [
      'nested lists without end',
      'too_deep',
      (world) => withMember(world, `"a":${'['.repeat(2500)}${']'.repeat(2500)}`),
    ],
    [
      'nested objects just too deep',
      'too_deep',
      (world) => withMember(world, `"a":${'{"b":'.repeat(16)}1${'}'.repeat(16)}`),
    ],
    [
      'a header nested without end',
      'too_deep',
      (world) => raw(header.replace('{', `{"x":${'['.repeat(2000)}${']'.repeat(2000)},`), payload(world)),
    ],
  ]),
  ...tokens(
    'duplicate members and size',
    [
      ['more than 9,500 characters', 'too_long', (world) => world.token({ filler: 'x'.repeat(7000) })],
      ['a key id of more than 9,500', 'too_long', (world) => world.token({}, { kid: 'k'.repeat(7000) })],
    ],
    () => tooLong,
  ),
]
