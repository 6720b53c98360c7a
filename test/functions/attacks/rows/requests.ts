import { compact } from '../../signing.ts'
import type { Defence } from '../defences.ts'
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
const strict: Defence[] = ['nothing but what is asked for']

export const requestRows: Row[] = [
  ...requests('requests', [
    [
      'a token in the query',
      ['no query'],
      invalid,
      (world) => ({
        path: `/client-session?access_token=${world.token()}`,
        headers: [['authorization', `Bearer ${world.token()}`]],
      }),
    ],
    [
      'an identity in the query',
      ['no query'],
      invalid,
      (world) => bearer(world.token(), { path: '/client-session?sub=INTRUDER' }),
    ],
    [
      'a token in the body',
      strict,
      invalid,
      (world) =>
        bearer(world.token(), {
          headers: [json],
          body: JSON.stringify({ access_token: world.token().slice(0, 200) }),
        }),
    ],
    [
      'a token in a form',
      ['JSON bodies only'],
      notJson,
      (world) =>
        bearer(world.token(), {
          headers: [['content-type', 'application/x-www-form-urlencoded']],
          body: 'access_token=INTRUDER',
        }),
    ],
    [
      'an identity in the body',
      strict,
      invalid,
      (world) => bearer(world.token(), { headers: [json], body: '{"sub":"INTRUDER"}' }),
    ],
    [
      'accounts in the body',
      strict,
      invalid,
      (world) => bearer(world.token(), { headers: [json], body: '{"connected_account_ids":["INTRUDER"]}' }),
    ],
    [
      'a lifetime in the body',
      strict,
      invalid,
      (world) => bearer(world.token(), { headers: [json], body: '{"expires_at":"2999-01-01T00:00:00Z"}' }),
    ],
    [
      'a prototype in the body',
      strict,
      invalid,
      (world) =>
        bearer(world.token(), {
          headers: [json],
          body: '{"__proto__":{"stale_client_session_id":"INTRUDER"}}',
        }),
    ],
    [
      'a large body',
      ['limited bodies'],
      tooLarge,
      (world) => bearer(world.token(), { headers: [json], body: `{"x":"${'INTRUDER'.repeat(200)}"}` }),
    ],
    [
      'a body of blanks',
      ['limited bodies'],
      tooLarge,
      (world) => bearer(world.token(), { headers: [json], body: `{}${' '.repeat(1100)}` }),
    ],
    [
      'a body of another type',
      ['JSON bodies only'],
      notJson,
      (world) => bearer(world.token(), { headers: [['content-type', 'text/plain']], body: '{}' }),
    ],
    [
      'a body whose type only begins like JSON',
      ['JSON bodies only'],
      notJson,
      (world) => bearer(world.token(), { headers: [['content-type', 'application/jsonp']], body: '{}' }),
    ],
  ]),

  ...requests('methods and paths', [
    ['GET', ['exact routes'], notAllowed, (world) => bearer(world.token(), { method: 'GET' })],
    [
      'PUT',
      ['exact routes'],
      notAllowed,
      (world) => bearer(world.token(), { method: 'PUT', headers: [json], body: '{}' }),
    ],
    [
      'POST where there is only GET',
      ['exact routes'],
      { ...notAllowed, headers: { allow: 'GET' } },
      (world) => bearer(world.token(), { path: '/healthz', headers: [['x-http-method-override', 'GET']] }),
    ],
    [
      'a slash at the end',
      ['one spelling for each address'],
      notFound,
      (world) => bearer(world.token(), { path: '/client-session/' }),
    ],
    [
      'two slashes at the beginning',
      ['exact routes'],
      notFound,
      (world) => bearer(world.token(), { path: '//client-session' }),
    ],
    ['capitals', ['exact routes'], notFound, (world) => bearer(world.token(), { path: '/Client-Session' })],
    [
      'a token in the path',
      ['exact routes'],
      notFound,
      (world) => ({ path: `/client-session/${world.token()}` }),
    ],
    [
      'a path parameter',
      ['exact routes'],
      notFound,
      (world) => bearer(world.token(), { path: '/client-session;INTRUDER=1' }),
    ],
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
    ).map(
      ([name, origin]): [
        string,
        Defence[],
        Refuses,
        () => { method: string; headers: [string, string][] },
      ] => [
        name,
        ['exact origins'],
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
      ],
    ),
  ]),

  ...(
    [
      [
        'whose discovery document is another’s',
        'impersonating',
        ['discovery of the same issuer'],
        'other_issuer',
      ],
      ['who names a plain address', 'plain', ['safe addresses'], 'plain_address'],
      ['whose keys have gone elsewhere', 'redirecting', ['no redirects'], 'unreachable'],
      ['whose key set has no end', 'endless', ['limited key sets'], 'too_large'],
      ['whose good key set comes with an error', 'failing', ['good answers only'], 'status'],
      ['whose keys are no list', 'keyless', ['key sets are lists'], 'not_a_key_set'],
      ['whose stored keys are another’s', 'stored-elsewhere', ['stored keys of the same issuer'], 'status'],
      [
        'whose stored keys came from another address',
        'stored-moved',
        ['stored keys from the same address'],
        'status',
      ],
      ['whose stored keys are a day old', 'stored-old', ['young keys only'], 'status'],
      ['whose stored keys come from the future', 'stored-future', ['no keys from the future'], 'status'],
    ] as const
  ).map(
    ([name, issuer, defences, reason]): Row => ({
      class: 'issuers that cannot be trusted now',
      name: `one ${name}`,
      defences: [...defences],
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
      ['not expired'],
      'expired',
      (world) => world.tokenFrom('failing', { exp: world.now - 60 }),
    ],
  ]),
]
