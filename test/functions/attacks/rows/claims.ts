import { attackerKey, audience } from '../issuers.ts'
import { bearer, type Row, tokens } from '../row.ts'

/** Well-signed tokens that do not say what they must. */

const logoutEvent = { 'http://schemas.openid.net/event/backchannel-logout': {} }
/** Keeps every rule of the issuer `ruled`. */
const obeying = { email_verified: true, org: { tier: 'gold' }, scope: 'openid devices', roles: ['tenant'] }

export const claimRows: Row[] = [
  ...tokens('issuers', [
    ['another address', 'unknown_issuer', (world) => world.token({ iss: world.attacker.address })],
    [
      'another address, with keys there',
      'unknown_issuer',
      (world) => world.token({ iss: world.attacker.address }, {}, attackerKey),
    ],
    ['a slash too many', 'unknown_issuer', (world) => world.token({ iss: `${world.address.main}/` })],
    ['a slash too few', 'unknown_issuer', (world) => world.token({ iss: world.address.slash.slice(0, -1) })],
    [
      'capitals',
      'unknown_issuer',
      (world) => world.token({ iss: world.address.main.replace('http', 'HTTP') }),
    ],
    [
      'a letter that looks alike',
      'unknown_issuer',
      (world) => world.token({ iss: world.address.main.replace('main', 'mаin') }),
    ],
    [
      'ours before another host',
      'unknown_issuer',
      (world) => world.token({ iss: `${world.address.main}@intruder.example` }),
    ],
    [
      'ours behind another address',
      'unknown_issuer',
      (world) => world.token({ iss: `https://intruder.example/?${world.address.main}` }),
    ],
    ['a list with ours', 'unknown_issuer', (world) => world.token({ iss: [world.address.main] })],
    ['an object', 'unknown_issuer', (world) => world.token({ iss: { issuer: world.address.main } })],
    ['none', 'unknown_issuer', (world) => world.token({ iss: undefined })],
    ['our short name for it', 'unknown_issuer', (world) => world.token({ iss: 'main' })],
    ['what every object inherits', 'unknown_issuer', (world) => world.token({ iss: '__proto__' })],
    ['what every object can do', 'unknown_issuer', (world) => world.token({ iss: 'hasOwnProperty' })],
    ['a blank behind it', 'unknown_issuer', (world) => world.token({ iss: `${world.address.main} ` })],
  ]),

  ...tokens('audiences', [
    ['another one', 'audience', (world) => world.token({ aud: 'https://INTRUDER.example' })],
    ['none', 'audience', (world) => world.token({ aud: undefined })],
    ['an empty list', 'audience', (world) => world.token({ aud: [] })],
    ['ours with a path', 'audience', (world) => world.token({ aud: `${audience}/client-session` })],
    ['ours among blanks', 'audience', (world) => world.token({ aud: `other ${audience}` })],
    ['ours in capitals', 'audience', (world) => world.token({ aud: audience.toUpperCase() })],
    ['a list in a list', 'audience', (world) => world.token({ aud: [[audience]] })],
    ['an object with ours', 'audience', (world) => world.token({ aud: { 0: audience, length: 1 } })],
    [
      'a list with something else than text',
      'audience',
      (world) => world.token({ aud: [audience, { admin: true }] }),
    ],
    ['ours, asked for by another issuer', 'audience', (world) => world.tokenFrom('other')],
    ['ours in `azp` alone', 'audience', (world) => world.token({ aud: 'other', azp: audience })],
    [
      'another one in the substitute',
      'audience',
      (world) => world.tokenFrom('client', { aud: undefined, client_id: 'INTRUDER' }),
    ],
    [
      'ours in `aud`, none in the substitute',
      'audience',
      (world) => world.tokenFrom('client', { aud: 'web-client' }),
    ],
    [
      'another one beside ours in the substitute',
      'audience',
      (world) => world.tokenFrom('client', { aud: 'other', client_id: 'web-client' }),
    ],
    [
      'null beside ours in the substitute',
      'audience',
      (world) => world.tokenFrom('client', { aud: null, client_id: 'web-client' }),
    ],
  ]),

  ...tokens('tokens bound to a key', [
    [
      'by DPoP',
      'bound_to_a_key',
      (world) => world.token({ cnf: { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' } }),
    ],
    [
      'by a client certificate',
      'bound_to_a_key',
      (world) => world.token({ cnf: { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' } }),
    ],
    ['by the key itself', 'bound_to_a_key', (world) => world.token({ cnf: { jwk: attackerKey.jwk } })],
    ['by the name of a key', 'bound_to_a_key', (world) => world.token({ cnf: { kid: 'INTRUDER' } })],
    ['in a way that is empty', 'bound_to_a_key', (world) => world.token({ cnf: {} })],
    ['in a way that is null', 'bound_to_a_key', (world) => world.token({ cnf: null })],
  ]),

  ...tokens('security events', [
    [
      'a logout token for a client id',
      'security_event',
      (world) =>
        world.tokenFrom('client', { client_id: 'web-client', aud: 'web-client', events: logoutEvent }),
    ],
    [
      'a logout token for our own audience',
      'security_event',
      (world) => world.token({ events: logoutEvent, sid: 'a', nonce: undefined }),
    ],
    [
      'a logout token of the type that is asked for',
      'security_event',
      (world) => world.tokenFrom('typed', { events: logoutEvent }, { typ: 'at+jwt' }),
    ],
    [
      'a logout token that keeps every claim rule',
      'security_event',
      (world) => world.tokenFrom('ruled', { ...obeying, events: logoutEvent }),
    ],
    ['events that are none', 'security_event', (world) => world.token({ events: {} })],
    ['events that are null', 'security_event', (world) => world.token({ events: null })],
    ['events that are false', 'security_event', (world) => world.token({ events: false })],
    ['events as text', 'security_event', (world) => world.token({ events: '' })],
  ]),

  ...rules([
    ['a missing claim', { email_verified: undefined }],
    ['false', { email_verified: false }],
    ['a text in place of true', { email_verified: 'true' }],
    ['a value that is not listed', { org: { tier: 'tin' } }],
    ['a number as text', { org: { tier: '1' } }],
    ['a list of a listed value', { org: { tier: ['gold'] } }],
    ['a claim one level too high', { org: undefined, tier: 'gold' }],
    ['a scope that only begins alike', { scope: 'openid devices:read' }],
    ['a scope in capitals', { scope: 'DEVICES' }],
    ['a list that lacks it', { roles: ['tenants', 'subtenant'] }],
    ['an object with it as a name', { roles: { tenant: true } }],
  ]),
]

/** 403, and the caller is told their own subject: only once the signature has been verified. */
function rules(attacks: [string, Record<string, unknown>][]): Row[] {
  return attacks.map(([name, more]) => ({
    class: 'claim rules',
    name,
    request: (world) => bearer(world.tokenFrom('ruled', { ...obeying, ...more })),
    answer: { status: 403, code: 'claim_denied', action: 'stop', reason: 'claim_rule', subject: 'ruled|ada' },
  }))
}
