import type { Bearer, GetToken, SubjectOf } from './options.ts'
import { within } from './time.ts'
import { ClientSessionError } from './wire.ts'

/** Milliseconds. */
const getTokenTime = 10_000

export type BearerGetter = (mustBeFresh: boolean) => Promise<Bearer>

/** What the identity providers' libraries say when somebody has to sign in: in `error`, `errorCode`, `code` or `name`. */
const signedOut =
  /^(\w+_required|invalid_grant|missing_refresh_token|no_account_error|(InteractionRequired|NotAuthorized)\w+)$/

export function meansSignedOut(thrown: unknown): boolean {
  const said = Object(thrown)
  return ['error', 'errorCode', 'code', 'name'].some((where) => signedOut.test(said[where]))
}

/** Throws what `getToken` throws, or a timeout, or a `ClientSessionError` when it gives no text. */
export function bearerGetter(getToken: GetToken): BearerGetter {
  let fresh: Promise<Bearer> | undefined
  const get = (options: { fresh: boolean }) =>
    within(getTokenTime, (async () => textOf(await getToken(options)))())

  return function getBearer(mustBeFresh) {
    // Never shared: an earlier call may answer for a user who has just left.
    if (!mustBeFresh) return get({ fresh: false })
    // Shared: a provider may take a refresh token that is used twice for a stolen one.
    fresh ??= get({ fresh: true }).finally(() => {
      fresh = undefined
    })
    return fresh
  }
}

function textOf(bearer: Bearer): Bearer {
  if (!bearer || typeof bearer === 'string') return bearer
  throw new ClientSessionError('fix_request', 'get_token_failed', { title: 'getToken must return a string' })
}

export const issAndSub: SubjectOf = ({ iss, sub }) => sub && [iss, sub]

/** A token that cannot be read, or names nobody, is a user of its own: a new token, a new session. */
export function subjectIn(bearer: string, subjectOf: SubjectOf): string {
  try {
    const [, payload = ''] = bearer.split('.')
    const claims = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')))
    return JSON.stringify(subjectOf(claims)) ?? bearer
  } catch {
    return bearer
  }
}
