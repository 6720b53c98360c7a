import * as z from 'zod/v4-mini'
import { actions, codes } from './problem.ts'

/**
 * The HTTP contract, DESIGN §6: validates requests, types answers, and makes the OpenAPI document.
 * What a page may ask of a Connect Webview is in connecting/webviews.ts.
 */

export const clientSessionBody = z.strictObject({
  stale_client_session_id: z.optional(z.string().check(z.minLength(1), z.maxLength(100))),
})

const id = z.string().check(z.minLength(1))
const time = z.iso.datetime()
const seconds = z.int().check(z.gte(0))

/** The helper's own type of it, in browser/wire.ts, is spelled out, so that the helper depends on nothing. */
export const clientSessionAnswer = z.strictObject({
  token: id,
  token_type: z.literal('seam_client_session'),
  client_session_id: id,
  workspace_id: id,
  endpoint: z.url(),
  expires_at: time,
  expires_in: seconds,
  refresh_in: seconds,
})
export type ClientSessionAnswer = z.infer<typeof clientSessionAnswer>

export const connectWebviewAnswer = z.strictObject({ connect_webview_id: id, url: z.url(), expires_at: time })
export type ConnectWebviewAnswer = z.infer<typeof connectWebviewAnswer>

export const statusAnswer = z.strictObject({
  status: z.enum(['pending', 'connected', 'failed']),
  /** Why a login gave nothing. */
  reason: z.optional(
    z.enum(['account_deleted', 'login_too_old', 'withdrawn_since', 'too_many_accounts', 'already_counted']),
  ),
})
export type StatusAnswer = z.infer<typeof statusAnswer>

export const healthAnswer = z.strictObject({ status: z.literal('ok'), version: id, configuration: id })
export type HealthAnswer = z.infer<typeof healthAnswer>

/** RFC 9457. */
export const problemAnswer = z.strictObject({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.int(),
  code: z.enum(codes),
  action: z.enum(actions),
  request_id: id,
  detail: z.optional(z.string()),
  subject: z.optional(z.string()),
  acr_values: z.optional(z.array(z.string())),
  max_age: z.optional(seconds),
})
export type ProblemAnswer = z.infer<typeof problemAnswer>
