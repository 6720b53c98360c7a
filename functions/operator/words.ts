import * as z from 'zod/v4-mini'

/** The schemas that several commands' parameters are made of. */

const text = z.string().check(z.minLength(1), z.maxLength(400))

/** Of whatever namespace: it may be one that the configuration no longer has. */
export const subject = text.check(
  z.regex(/^[a-z0-9-]{1,32}\|./s, { error: 'give "<namespace>|<value of its claim>", such as "main|ada"' }),
)

const id = (error: string) => z.string().check(z.regex(/^[\w-]{1,100}$/, { error }))
/** Seam's are UUIDs; what a restore or an import brought may be others, and must stay removable. */
export const accountId = id('give the id of a connected account; `accounts` shows them')
export const identityId = id('give the id of a user identity at Seam')
export const accountIds = z.array(accountId).check(z.maxLength(1000))
export const someAccountIds = accountIds.check(z.minLength(1))

/** With its offset: without one it would mean another moment on another machine. */
export const instant = z.iso.datetime({
  offset: true,
  error: 'give a time with its offset, such as 2026-03-31T12:00:00Z',
})

export const flag = z.optional(z.boolean())

/** Of a list that comes in pages. */
export const cursor = z.optional(text)
export const pageSize = z.optional(z.int().check(z.gte(1), z.lte(200)))

/** A bearer token or a client session token. */
export const token = z.string().check(z.minLength(1), z.maxLength(20_000))

/** What no header can carry is no token, and asking Seam about it would look like an outage. */
export const clientSessionToken = token.check(
  z.regex(/^[\w.~+/=-]+$/, { error: 'give a client session token and nothing else' }),
)

/** Where and what, never the value: it may be a token. */
export function firstIssue({ issues: [issue] }: z.core.$ZodError, ...within: string[]): string {
  return `${[...within, ...(issue?.path ?? [])].join('.')}: ${issue?.message}`
}
