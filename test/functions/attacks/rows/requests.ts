import { compact } from '../../signing.ts'
import { attackerKey } from '../issuers.ts'
import { bearer, keysUnavailable, type Refuses, type Row, requests, tokens } from '../row.ts'

/** Requests that are not what they should be, pages of another origin, and issuers that cannot be trusted now. */

const invalid: Refuses = { status: 400, code: 'invalid_request', action: 'fix_request' }
const notFound: Refuses = { status: 404, code: 'not_found', action: 'fix_request' }
const notAllowed: Refuses = {
  status: 405,
  code: 'method_not_allowed',
  action: 'fix_request',
  headers: { allow: 'POST, DELETE' },
}
const tooLarge: Refuses = { status: 413, code: 'too_large', action: 'fix_request' }
const notJson: Refuses = { status: 415, code: 'unsupported_media_type', action: 'fix_request' }
const json: [string, string] = ['content-type', 'application/json']

export const requestRows: Row[] = [
  ...requests('requests', [
    [
      'a token in the query',
      invalid,
      (world) => ({
        path: `/client-session?access_token=${world.token()}`,
        headers: [['authorization', `Bearer ${world.token()}`]],
      }),
    ],
    [
      'an identity in the query',
      invalid,
      (world) => bearer(world.token(), { path: '/client-session?sub=INTRUDER' }),
    ],
    [
      'a token in the body',
      invalid,
      (world) =>
        bearer(world.token(), {
          headers: [json],
          body: JSON.stringify({ access_token: world.token().slice(0, 200) }),
        }),
    ],
    [
      'a token in a form',
      notJson,
      (world) =>
        bearer(world.token(), {
          headers: [['content-type', 'application/x-www-form-urlencoded']],
          body: 'access_token=INTRUDER',
        }),
    ],
    [
      'an identity in the body',
      invalid,
      (world) => bearer(world.token(), { headers: [json], body: '{"sub":"INTRUDER"}' }),
    ],
    [
      'accounts in the body',
      invalid,
      (world) => bearer(world.token(), { headers: [json], body: '{"connected_account_ids":["INTRUDER"]}' }),
    ],
    [
      'a lifetime in the body',
      invalid,
      (world) => bearer(world.token(), { headers: [json], body: '{"expires_at":"2999-01-01T00:00:00Z"}' }),
    ],
    [
      'a prototype in the body',
      invalid,
      (world) =>
        bearer(world.token(), {
          headers: [json],
          body: '{"__proto__":{"stale_client_session_id":"INTRUDER"}}',
        }),
    ],
    [
      'a large body',
      tooLarge,
      (world) => bearer(world.token(), { headers: [json], body: `{"x":"${'INTRUDER'.repeat(200)}"}` }),
    ],
    [
      'a body of blanks',
      tooLarge,
      (world) => bearer(world.token(), { headers: [json], body: `{}${' '.repeat(1100)}` }),
    ],
    [
      'a body of another type',
      notJson,
      (world) => bearer(world.token(), { headers: [['content-type', 'text/plain']], body: '{}' }),
    ],
    [
      'a body whose type only begins like JSON',
      notJson,
      (world) => bearer(world.token(), { headers: [['content-type', 'application/jsonp']], body: '{}' }),
    ],
  ]),

  ...requests('methods and paths', [
    ['GET', notAllowed, (world) => bearer(world.token(), { method: 'GET' })],
    ['PUT', notAllowed, (world) => bearer(world.token(), { method: 'PUT', headers: [json], body: '{}' })],
    [
      'POST where there is only GET',
      { ...notAllowed, headers: { allow: 'GET' } },
      (world) => bearer(world.token(), { path: '/healthz', headers: [['x-http-method-override', 'GET']] }),
    ],
    ['a slash at the end', notFound, (world) => bearer(world.token(), { path: '/client-session/' })],
    [
      'two slashes at the beginning',
      notFound,
      (world) => bearer(world.token(), { path: '//client-session' }),
    ],
    ['capitals', notFound, (world) => bearer(world.token(), { path: '/Client-Session' })],
    ['a token in the path', notFound, (world) => ({ path: `/client-session/${world.token()}` })],
    ['a path parameter', notFound, (world) => bearer(world.token(), { path: '/client-session;INTRUDER=1' })],
  ]),

  ...requests('pages of other origins', [
    ...(
      [
        ['one that begins like ours', 'https://app.example.intruder.example'],
        ['one that ends like ours', 'https://intruder-app.example'],
        ['a host below ours', 'https://www.app.example'],
        ['another port', 'https://app.example:444'],
        ['plain http', 'http://app.example'],
        ['null', 'null'],
        ['capitals', 'https://APP.example'],
        ['a list', 'https://app.example, https://intruder.example'],
      ] as const
    ).map(([name, origin]): [string, Refuses, () => { method: string; headers: [string, string][] }] => [
      name,
      {
        status: 204,
        headers: { 'access-control-allow-origin': null, 'access-control-allow-credentials': null },
      },
      () => ({
        method: 'OPTIONS',
        headers: [
          ['origin', origin],
          ['access-control-request-method', 'POST'],
          ['access-control-request-headers', 'authorization'],
        ],
      }),
    ]),
  ]),

  ...(
    [
      ['whose discovery document is another’s', 'impersonating', 'other_issuer'],
      ['who names a plain address', 'plain', 'plain_address'],
      ['whose keys have gone elsewhere', 'redirecting', 'redirect'],
      ['whose key set has no end', 'endless', 'too_large'],
      ['whose good key set comes with an error', 'failing', 'status'],
      ['whose keys are no list', 'keyless', 'not_a_key_set'],
      ['whose stored keys are another’s', 'stored-elsewhere', 'status'],
      ['whose stored keys came from another address', 'stored-moved', 'status'],
      ['whose stored keys are a day old', 'stored-old', 'status'],
      ['whose stored keys come from the future', 'stored-future', 'status'],
    ] as const
  ).map(
    ([name, issuer, reason]): Row => ({
      class: 'issuers that cannot be trusted now',
      name: `one ${name}`,
      request: (world) =>
        bearer(
          issuer === 'redirecting'
            ? compact({}, world.claims({}, issuer), attackerKey)
            : world.tokenFrom(issuer),
        ),
      answer: keysUnavailable(reason),
    }),
  ),

  ...tokens('issuers that cannot be trusted now', [
    [
      'an expired token of one costs no look for keys',
      'expired',
      (world) => world.tokenFrom('failing', { exp: world.now - 60 }),
    ],
  ]),
]
