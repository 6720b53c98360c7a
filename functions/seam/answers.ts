import * as z from 'zod/v4-mini'

/** What we rely on in Seam's answers; an answer that lacks it is not believed. What is not named here is dropped on reading. */

const id = z.string().check(z.minLength(1))
const time = z.iso.datetime({ offset: true })

const sessionWithoutToken = z.object({
  client_session_id: id,
  user_identifier_key: z.nullable(z.string()),
  connected_account_ids: z.array(z.string()),
  user_identity_id: z.nullish(z.string()),
  /** Seam calls it deprecated, and still answers it. */
  user_identity_ids: z.optional(z.array(z.string())),
  workspace_id: z.string(),
  created_at: time,
  expires_at: time,
})

const clientSession = z.object({ token: id, ...sessionWithoutToken.shape })

const webviewMaker = z.object({
  user_identifier_key: z.nullable(z.string()),
  connect_webview_ids: z.array(z.string()),
  workspace_id: z.string(),
})

const connectWebview = z.object({
  connect_webview_id: id,
  workspace_id: z.string(),
  /** A page that will be opened: no address of another kind may come this way. */
  url: z.url({ protocol: /^https?$/ }),
  /** `pending`, `failed`, `authorized`, and whatever Seam comes to think of. */
  status: z.string(),
  connected_account_id: z.nullish(z.string()),
  authorized_at: z.nullish(time),
  created_at: z.nullish(time),
})

const connectedAccount = z.object({
  connected_account_id: id,
  /** The provider, such as `august`. */
  account_type: z.optional(z.string()),
  /** What its owner calls it. */
  display_name: z.optional(z.string()),
  /** Seam's older way to say the same. */
  user_identifier: z.optional(z.object({ email: z.optional(z.string()), username: z.optional(z.string()) })),
})

const workspace = z.object({
  workspace_id: id,
  name: z.optional(z.string()),
  is_sandbox: z.boolean(),
  is_publishable_key_auth_enabled: z.optional(z.boolean()),
})

export const answers = {
  session: z.object({ client_session: clientSession }),
  sessions: z.object({ client_sessions: z.array(clientSession) }),
  /** Law 13: what a call without a filter may tell. */
  sessionWithoutToken: z.object({ client_session: sessionWithoutToken }),
  sessionsWithoutTokens: z.object({ client_sessions: z.array(sessionWithoutToken) }),
  webviewMakers: z.object({ client_sessions: z.array(webviewMaker) }),
  webview: z.object({ connect_webview: connectWebview }),
  workspace: z.object({ workspace }),
  accounts: z.object({
    connected_accounts: z.array(connectedAccount),
    pagination: z.optional(z.object({ has_next_page: z.boolean(), next_page_cursor: z.nullish(z.string()) })),
  }),
  account: z.object({ connected_account: connectedAccount }),
  identity: z.object({ user_identity: z.object({ user_identity_id: id }) }),
  nothing: z.object({}),
} as const

const errorAnswer = z.object({ error: z.object({ type: z.string().check(z.regex(/^[a-z0-9_]{1,64}$/)) }) })

/** Seam's `error.type`, if it looks like one. */
export function typeOfError(json: unknown): string | undefined {
  const parsed = errorAnswer.safeParse(json)
  return parsed.success ? parsed.data.error.type : undefined
}
