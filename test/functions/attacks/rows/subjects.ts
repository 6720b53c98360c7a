import { compact } from '../../signing.ts'
import type { Defence } from '../defences.ts'
import { audience, ownKeys } from '../issuers.ts'
import { type Row, tokens } from '../row.ts'
import type { AttackedWorld } from '../world.ts'

/** Well-signed tokens of no time, or of nobody. */

const known: Defence[] = ['known issuers only']
const prototype = (world: AttackedWorld, member: string, more: Record<string, unknown>) =>
  compact({}, JSON.stringify(world.claims(more)).replace('{', `{"__proto__":${member},`), ownKeys.main)
const absurd = (world: AttackedWorld, value: string) =>
  compact({}, JSON.stringify(world.claims({ exp: 'EXP' })).replace('"EXP"', value), ownKeys.main)

export const subjectRows: Row[] = [
  ...tokens('times', [
    [
      'no end',
      ['tokens end', 'times are times'],
      'expiry_missing',
      (world) => world.token({ exp: undefined }),
    ],
    [
      'an end that is null',
      ['times are times', 'not expired'],
      'time',
      (world) => world.token({ exp: null }),
    ],
    ['an end as text', ['times are times'], 'time', (world) => world.token({ exp: String(world.now + 60) })],
    ['an end in a list', ['times are times'], 'time', (world) => world.token({ exp: [world.now + 60] })],
    ['an end beyond all numbers', ['times are times'], 'time', (world) => absurd(world, '1e999')],
    [
      'an end in milliseconds',
      ['times are times'],
      'time',
      (world) => world.token({ exp: (world.now + 3600) * 1e6 }),
    ],
    [
      'an end that is true',
      ['times are times', 'not expired'],
      'time',
      (world) => world.token({ exp: true }),
    ],
    [
      'an end that is just over, tolerance and all',
      ['not expired'],
      'expired',
      (world) => world.token({ exp: world.now - 5 }),
    ],
    ['an end in 1970', ['not expired'], 'expired', (world) => world.token({ exp: 0 })],
    [
      'an end now, where nothing is tolerated',
      ['not expired'],
      'expired',
      (world) => world.tokenFrom('aged', { exp: world.now }),
    ],
    [
      'a beginning just out of reach',
      ['valid by now'],
      'not_yet_valid',
      (world) => world.token({ nbf: world.now + 5.001 }),
    ],
    ['a beginning as text', ['times are times'], 'time', (world) => world.token({ nbf: '0' })],
    ['a beginning that is null', ['times are times'], 'time', (world) => world.token({ nbf: null })],
    [
      'issued in a moment',
      ['issued by now'],
      'issued_in_the_future',
      (world) => world.token({ iat: world.now + 6 }),
    ],
    [
      'issued next century',
      ['issued by now'],
      'issued_in_the_future',
      (world) => world.token({ iat: 4e9, exp: 5e9 }),
    ],
    ['issued before time began', ['times are times'], 'time', (world) => world.token({ iat: -1 })],
    ['issued at a time that is a list', ['times are times'], 'time', (world) => world.token({ iat: [] })],
    [
      'issued just too long ago',
      ['longest age'],
      'too_old',
      (world) => world.tokenFrom('aged', { iat: world.now - 300.001 }),
    ],
    [
      'issued in 1970, for ever',
      ['longest age'],
      'too_old',
      (world) => world.tokenFrom('aged', { iat: 0, exp: 8e12 }),
    ],
    [
      'of unknown age, where age counts',
      ['age known where it counts'],
      'issue_time_missing',
      (world) => world.tokenFrom('aged', { iat: undefined }),
    ],
  ]),
  ...tokens('subjects', [
    ['none', ['subjects are texts'], 'subject', (world) => world.token({ sub: null })],
    ['an empty text', ['subjects are not empty'], 'subject', (world) => world.token({ sub: '' })],
    ['a number', ['subjects are texts'], 'subject', (world) => world.token({ sub: 7 })],
    ['a list', ['subjects are texts'], 'subject', (world) => world.token({ sub: ['ada'] })],
    [
      'an object that turns into text',
      ['subjects are texts', 'subjects are visible'],
      'subject',
      (world) => world.token({ sub: { value: 'ada' } }),
    ],
    ['true', ['subjects are texts'], 'subject', (world) => world.token({ sub: true })],
    ['a blank at its end', ['subjects are visible'], 'subject', (world) => world.token({ sub: 'ada ' })],
    ['a line break', ['subjects are visible'], 'subject', (world) => world.token({ sub: 'ada\nx-admin: 1' })],
    ['a NUL', ['subjects are visible'], 'subject', (world) => world.token({ sub: 'ada\u0000' })],
    [
      'a blank without width',
      ['subjects are visible'],
      'subject',
      (world) => world.token({ sub: 'a\u200bda' }),
    ],
    [
      'writing from right to left',
      ['subjects are visible'],
      'subject',
      (world) => world.token({ sub: '\u202eada' }),
    ],
    [
      'half a surrogate pair',
      ['subjects are visible'],
      'subject',
      (world) => world.token({ sub: 'ada\udc00' }),
    ],
    [
      '256 characters',
      ['subjects are not long'],
      'subject',
      (world) => world.token({ sub: 'x'.repeat(256) }),
    ],
    [
      'in another claim than the configured one',
      ['subjects are texts'],
      'subject',
      (world) => world.tokenFrom('nested', { sub: 'ada' }),
    ],
    [
      'the length of a list',
      ['subjects are texts'],
      'subject',
      (world) => world.tokenFrom('measured', { identities: ['ada'] }),
    ],
    [
      'what every object inherits',
      ['subjects are texts'],
      'subject',
      (world) => world.tokenFrom('inherited'),
    ],
  ]),
  ...tokens('prototypes', [
    [
      'a subject',
      ['subjects are texts'],
      'subject',
      (world) => prototype(world, '{"sub":"ada"}', { sub: undefined }),
    ],
    [
      'an audience',
      ['audience'],
      'audience',
      (world) => prototype(world, JSON.stringify({ aud: audience }), { aud: undefined }),
    ],
    [
      'an end',
      ['tokens end', 'times are times'],
      'expiry_missing',
      (world) => prototype(world, '{"exp":9e9}', { exp: undefined }),
    ],
    [
      'an issuer',
      known,
      'unknown_issuer',
      (world) => prototype(world, JSON.stringify({ iss: world.address.main }), { iss: undefined }),
    ],
    [
      'a constructor’s',
      ['subjects are texts'],
      'subject',
      (world) => world.token({ sub: undefined, constructor: { prototype: { sub: 'ada' } } }),
    ],
  ]),
]
