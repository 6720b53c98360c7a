import { attackerKey, keys } from '../issuers.ts'
import { bearer, invalidToken, missingToken, requests } from '../row.ts'

/** Headers that hold no token, more than one, or one that is not where it belongs. */

export const credentialRows = requests('credentials', [
  ['none', ['no credentials, no error code'], missingToken, () => ({})],
  [
    'an empty header',
    ['no credentials, no error code'],
    missingToken,
    () => ({ headers: [['authorization', '']] }),
  ],
  [
    'the scheme alone',
    ['no credentials, no error code'],
    missingToken,
    () => ({ headers: [['authorization', 'Bearer']] }),
  ],
  [
    'a password',
    ['no credentials, no error code'],
    missingToken,
    () => ({ headers: [['authorization', 'Basic SU5UUlVERVI6eA==']] }),
  ],
  [
    'a good token under another scheme',
    ['the bearer scheme'],
    missingToken,
    (world) => ({ headers: [['authorization', `DPoP ${world.token()}`]] }),
  ],
  [
    'a good token without a scheme',
    ['the bearer scheme'],
    missingToken,
    (world) => ({ headers: [['authorization', world.token()]] }),
  ],
  [
    'a good token glued to its scheme',
    ['the bearer scheme'],
    missingToken,
    (world) => ({ headers: [['authorization', `Bearer${world.token()}`]] }),
  ],
  [
    'a good token behind a colon',
    ['the bearer scheme'],
    missingToken,
    (world) => ({ headers: [['authorization', `Bearer: ${world.token()}`]] }),
  ],
  [
    'two good tokens in two headers',
    ['three parts', 'canonical base64url', 'the signature, by jose'],
    invalidToken('not_compact'),
    (world) => bearer(world.token(), { headers: [['authorization', `Bearer ${world.token()}`]] }),
  ],
  [
    'a good token, then another scheme',
    ['canonical base64url', 'the signature, by jose'],
    invalidToken('base64url'),
    (world) => bearer(world.token(), { headers: [['authorization', 'Basic SU5U']] }),
  ],
  [
    'two good tokens in one header',
    ['three parts', 'canonical base64url', 'the signature, by jose'],
    invalidToken('not_compact'),
    (world) => bearer(`${world.token()} ${world.token()}`),
  ],
  [
    'a good token in quotes',
    ['canonical base64url', 'the signature, by jose'],
    invalidToken('base64url'),
    (world) => bearer(`"${world.token()}"`),
  ],
  [
    'a good token in a cookie',
    ['no credentials, no error code'],
    missingToken,
    (world) => ({ headers: [['cookie', `access_token=${world.token()}`]] }),
  ],
  [
    'a good token in a header that proxies add',
    ['no credentials, no error code'],
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
    ['size before parsing'],
    invalidToken('too_long'),
    (world) =>
      bearer(world.token({ groups: Array.from({ length: 600 }, (_, i) => `group-${i}`) }, {}, keys.rs)),
  ],
  [
    'none, to make a Connect Webview',
    ['no credentials, no error code'],
    missingToken,
    () => ({ path: '/connect-webview' }),
  ],
  [
    'a stranger’s, to see how a Connect Webview goes',
    ['the signature, by jose'],
    invalidToken('signature'),
    (world) => bearer(world.token({}, {}, attackerKey), { method: 'GET', path: '/connect-webview/INTRUDER' }),
  ],
  [
    'a stranger’s, to sign somebody out',
    ['the signature, by jose'],
    invalidToken('signature'),
    (world) => bearer(world.token({}, {}, attackerKey), { method: 'DELETE' }),
  ],
])
