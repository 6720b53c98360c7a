import { attackerKey, keys } from '../issuers.ts'
import { bearer, invalidToken, missingToken, requests, tooLong } from '../row.ts'

/** Headers that hold no token, more than one, or one that is not where it belongs. */

export const credentialRows = requests('credentials', [
  ['none', missingToken, () => ({})],
  ['an empty header', missingToken, () => ({ headers: [['authorization', '']] })],
  ['the scheme alone', missingToken, () => ({ headers: [['authorization', 'Bearer']] })],
  ['a password', missingToken, () => ({ headers: [['authorization', 'Basic SU5UUlVERVI6eA==']] })],
  [
    'a good token under another scheme',
    missingToken,
    (world) => ({ headers: [['authorization', `DPoP ${world.token()}`]] }),
  ],
  [
    'a good token without a scheme',
    missingToken,
    (world) => ({ headers: [['authorization', world.token()]] }),
  ],
  [
    'a good token glued to its scheme',
    missingToken,
    (world) => ({ headers: [['authorization', `Bearer${world.token()}`]] }),
  ],
  [
    'a good token behind a colon',
    missingToken,
    (world) => ({ headers: [['authorization', `Bearer: ${world.token()}`]] }),
  ],
  [
    'two good tokens in two headers',
    invalidToken('not_compact'),
    (world) => bearer(world.token(), { headers: [['authorization', `Bearer ${world.token()}`]] }),
  ],
  [
    'a good token, then another scheme',
    invalidToken('base64url'),
    (world) => bearer(world.token(), { headers: [['authorization', 'Basic SU5U']] }),
  ],
  [
    'two good tokens in one header',
    invalidToken('not_compact'),
    (world) => bearer(`${world.token()} ${world.token()}`),
  ],
  ['a good token in quotes', invalidToken('base64url'), (world) => bearer(`"${world.token()}"`)],
  [
    'a good token in a cookie',
    missingToken,
    (world) => ({ headers: [['cookie', `access_token=${world.token()}`]] }),
  ],
  [
    'a good token in a header that proxies add',
    missingToken,
    (world) => ({
      headers: [
        ['x-forwarded-authorization', `Bearer ${world.token()}`],
        ['proxy-authorization', `Bearer ${world.token()}`],
      ],
    }),
  ],
  [
    'an RS256 token longer than any header should be',
    tooLong,
    (world) =>
      bearer(world.token({ groups: Array.from({ length: 700 }, (_, i) => `group-${i}`) }, {}, keys.rs)),
  ],
  ['none, to make a Connect Webview', missingToken, () => ({ path: '/connect-webview' })],
  [
    'a stranger’s, to see how a Connect Webview goes',
    invalidToken('signature'),
    (world) => bearer(world.token({}, {}, attackerKey), { method: 'GET', path: '/connect-webview/INTRUDER' }),
  ],
  [
    'a stranger’s, to sign somebody out',
    invalidToken('signature'),
    (world) => bearer(world.token({}, {}, attackerKey), { method: 'DELETE' }),
  ],
])
