import { compact } from '../../signing.ts'
import { audience, ownKeys } from '../issuers.ts'
import { bearer, invalidToken, type Row, tokens } from '../row.ts'
import type { AttackedWorld } from '../world.ts'

/** Well-signed tokens of no time, or of nobody. */

const prototype = (world: AttackedWorld, member: string, more: Record<string, unknown>) =>
  compact({}, JSON.stringify(world.claims(more)).replace('{', `{"__proto__":${member},`), ownKeys.main)
const absurd = (world: AttackedWorld, value: string) =>
  compact({}, JSON.stringify(world.claims({ exp: 'EXP' })).replace('"EXP"', value), ownKeys.main)

export const subjectRows: Row[] = [
  ...tokens('times', [
    ['no end', 'expiry_missing', (world) => world.token({ exp: undefined })],
    ['an end that is null', 'time', (world) => world.token({ exp: null })],
    ['an end as text', 'time', (world) => world.token({ exp: String(world.now + 60) })],
    ['an end in a list', 'time', (world) => world.token({ exp: [world.now + 60] })],
    ['an end beyond all numbers', 'time', (world) => absurd(world, '1e999')],
    ['an end in milliseconds', 'time', (world) => world.token({ exp: (world.now + 3600) * 1e6 })],
    ['an end that is true', 'time', (world) => world.token({ exp: true })],
    [
      'an end that is just over, tolerance and all',
      'expired',
      (world) => world.token({ exp: world.now - 5 }),
    ],
    ['an end in 1970', 'expired', (world) => world.token({ exp: 0 })],
    [
      'an end now, where nothing is tolerated',
      'expired',
      (world) => world.tokenFrom('aged', { exp: world.now }),
    ],
    ['a beginning just out of reach', 'not_yet_valid', (world) => world.token({ nbf: world.now + 5.001 })],
    ['a beginning as text', 'time', (world) => world.token({ nbf: '0' })],
    ['a beginning that is null', 'time', (world) => world.token({ nbf: null })],
    ['issued before time began', 'time', (world) => world.token({ iat: -1 })],
    ['issued at a time that is a list', 'time', (world) => world.token({ iat: [] })],
    ['issued just too long ago', 'too_old', (world) => world.tokenFrom('aged', { iat: world.now - 300.001 })],
    ['issued in 1970, for ever', 'too_old', (world) => world.tokenFrom('aged', { iat: 0, exp: 8e12 })],
    [
      'of unknown age, where age counts',
      'issue_time_missing',
      (world) => world.tokenFrom('aged', { iat: undefined }),
    ],
  ]),
  ...tokens(
    'times',
    [
      ['issued in half a minute', 'issued_in_the_future', (world) => world.token({ iat: world.now + 31 })],
      ['issued next century', 'issued_in_the_future', (world) => world.token({ iat: 4e9, exp: 5e9 })],
    ],
    (reason) => ({ ...invalidToken(reason), action: 'retry' }),
  ),
  ...denied('subjects', [
    ['none', (world) => world.token({ sub: null })],
    ['an empty text', (world) => world.token({ sub: '' })],
    ['a number', (world) => world.token({ sub: 7 })],
    ['a list', (world) => world.token({ sub: ['ada'] })],
    ['an object that turns into text', (world) => world.token({ sub: { value: 'ada' } })],
    ['true', (world) => world.token({ sub: true })],
    ['a blank at its end', (world) => world.token({ sub: 'ada ' })],
    ['a line break', (world) => world.token({ sub: 'ada\nx-admin: 1' })],
    ['a NUL', (world) => world.token({ sub: 'ada\u0000' })],
    ['a blank without width', (world) => world.token({ sub: 'a\u200bda' })],
    ['writing from right to left', (world) => world.token({ sub: '\u202eada' })],
    ['half a surrogate pair', (world) => world.token({ sub: 'ada\udc00' })],
    ['256 characters', (world) => world.token({ sub: 'x'.repeat(256) })],
    ['in another claim than the configured one', (world) => world.tokenFrom('nested', { sub: 'ada' })],
    ['the length of a list', (world) => world.tokenFrom('measured', { identities: ['ada'] })],
    ['what every object inherits', (world) => world.tokenFrom('inherited')],
  ]),
  ...tokens('prototypes', [
    [
      'an audience',
      'audience',
      (world) => prototype(world, JSON.stringify({ aud: audience }), { aud: undefined }),
    ],
    ['an end', 'expiry_missing', (world) => prototype(world, '{"exp":9e9}', { exp: undefined })],
    [
      'an issuer',
      'unknown_issuer',
      (world) => prototype(world, JSON.stringify({ iss: world.address.main }), { iss: undefined }),
    ],
  ]),
  ...denied('prototypes', [
    ['a subject', (world) => prototype(world, '{"sub":"ada"}', { sub: undefined })],
    [
      'a constructor’s',
      (world) => world.token({ sub: undefined, constructor: { prototype: { sub: 'ada' } } }),
    ],
  ]),
]

/** 403, once the signature is verified: a fresh sign-in would bring the same subject. */
function denied(className: string, attacks: [string, (world: AttackedWorld) => string][]): Row[] {
  return attacks.map(([name, token]) => ({
    class: className,
    name,
    request: (world) => bearer(token(world)),
    answer: { status: 403, code: 'claim_denied', action: 'stop', reason: 'subject' },
  }))
}
