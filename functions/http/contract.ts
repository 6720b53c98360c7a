import * as z from 'zod/v4-mini'
import { actions, codes } from './problem.ts'

/**
 * The HTTP contract, DESIGN §6: validates requests, types answers, and makes the OpenAPI document.
 * What a page may ask of a Connect Webview is in connecting/webview-options.ts.
 */

/** The same schema with a sentence for the OpenAPI document. */
export function about<Schema extends z.ZodMiniType>(schema: Schema, description: string): Schema {
  const described = schema.clone()
  z.globalRegistry.add(described, { description })
  return described
}

export const clientSessionBody = z.strictObject({
  stale_client_session_id: about(
    z.optional(z.string().check(z.minLength(1), z.maxLength(100))),
    'The client session whose token Seam refused. If it is still the caller’s, it is ended and replaced; at most once a minute.',
  ),
})

const id = z.string().check(z.minLength(1))
const time = z.iso.datetime()
const seconds = z.int().check(z.gte(0))

/** The helper's own type of it, in browser/wire.ts, is spelled out, so that the helper depends on nothing. */
export const clientSessionAnswer = z.strictObject({
  token: about(id, 'For Seam Components or Seam’s SDK. Keep it in memory only.'),
  token_type: about(z.literal('seam_client_session'), 'It is no bearer token of this service.'),
  client_session_id: about(id, 'To be reported when Seam refuses the token; opens nothing.'),
  workspace_id: about(id, 'Seam’s workspace.'),
  endpoint: about(z.url(), 'Where Seam’s API is.'),
  expires_at: about(time, 'By the server’s clock; a browser’s may be wrong.'),
  expires_in: about(seconds, 'Seconds from this answer on.'),
  refresh_in: about(seconds, 'Seconds from this answer on after which asking again gains time.'),
})
export type ClientSessionAnswer = z.infer<typeof clientSessionAnswer>

export const connectWebviewAnswer = z.strictObject({
  connect_webview_id: about(id, 'To ask how it goes.'),
  url: about(z.url(), 'A page of Seam’s.'),
  expires_at: about(time, 'A login after this gives the caller nothing.'),
})
export type ConnectWebviewAnswer = z.infer<typeof connectWebviewAnswer>

/** Why a login gave nothing, where that is the page's business. */
export const toldReasons = z.enum([
  'account_deleted',
  'login_too_old',
  'withdrawn_since',
  'too_many_accounts',
  'already_counted',
])

export const statusAnswer = z.strictObject({
  status: about(
    z.enum(['pending', 'connected', 'failed']),
    '`connected`: the account is the caller’s, and reached by their next client session token.',
  ),
  reason: about(z.optional(toldReasons), 'Why a login that succeeded gave the caller nothing.'),
})
export type StatusAnswer = z.infer<typeof statusAnswer>

export const healthAnswer = z.strictObject({
  status: about(z.literal('ok'), 'Says nothing about services behind this one.'),
  version: about(id, 'Of this service.'),
  configuration: about(id, 'SHA-256 of its configuration: the stack’s output `ConfigurationHash`.'),
})
export type HealthAnswer = z.infer<typeof healthAnswer>

/** RFC 9457. */
export const problemAnswer = z.strictObject({
  type: about(z.literal('about:blank'), 'Of no further meaning; see `code`.'),
  title: about(z.string(), 'What happened, for a developer.'),
  status: about(z.int(), 'The HTTP status.'),
  code: about(z.enum(codes), 'What happened, for a program; never changes its meaning.'),
  action: about(z.enum(actions), 'What to do about it.'),
  request_id: about(id, 'As in `X-Request-Id`.'),
  detail: about(z.optional(z.string()), 'More for a developer.'),
  subject: about(z.optional(z.string()), 'The caller’s own, on a 403: to be sent to support.'),
  acr_values: about(
    z.optional(z.array(z.string())),
    'With `step_up`: sign in again so that the token’s `acr` is one of these.',
  ),
  max_age: about(z.optional(seconds), 'With `step_up`: sign in again, no longer than these seconds ago.'),
})
export type ProblemAnswer = z.infer<typeof problemAnswer>
