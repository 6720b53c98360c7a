import { within } from './time.ts'

type Bearer = string | null | undefined

/**
 * The bearer token of the user who is signed in now, or nothing when nobody is. It is called at every use, because only
 * this shows a switch of user: answer from your identity provider's cache, unless `fresh` asks for a new one.
 */
export type GetToken = (options: { fresh: boolean }) => Bearer | Promise<Bearer>

/** What in a bearer token's claims tells users apart. */
export type SubjectOf = (claims: Record<string, unknown>) => unknown

/** Milliseconds. */
const getTokenTime = 10_000

export type BearerGetter = (mustBeFresh: boolean) => Promise<Bearer>

/** Throws what `getToken` throws, or a timeout. */
export function bearerGetter(getToken: GetToken): BearerGetter {
  let fresh: Promise<Bearer> | undefined
  const get = (options: { fresh: boolean }) => within(getTokenTime, (async () => getToken(options))())

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

export const issAndSub: SubjectOf = ({ iss, sub }) => sub && [iss, sub]

/** A token that cannot be read, or names nobody, is a user of its own: a new token, a new session. */
export function subjectIn(bearer: string, subjectOf: SubjectOf): string {
  try {
    const payload = bearer.split('.')[1]?.replaceAll('-', '+').replaceAll('_', '/') ?? ''
    return JSON.stringify(subjectOf(JSON.parse(atob(payload)))) ?? bearer
  } catch {
    return bearer
  }
}
