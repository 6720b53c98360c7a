import * as z from 'zod/v4-mini'

/** The schemas that several commands' parameters are made of. */

const text = z.string().check(z.minLength(1), z.maxLength(400))

export const subject = text

export const accountIds = z.array(text.check(z.maxLength(100))).check(z.maxLength(1000))

export const someAccountIds = accountIds.check(z.minLength(1))

/** With its offset: without one it would mean another moment on another machine. */
export const instant = z.iso.datetime({
  offset: true,
  error: 'give a time with its offset, such as 2026-03-31T12:00:00Z',
})

export const cursor = text

/** A bearer token or a client session token. */
export const token = z.string().check(z.minLength(1), z.maxLength(20_000))

export const pageSize = z.int().check(z.gte(1), z.lte(200))
