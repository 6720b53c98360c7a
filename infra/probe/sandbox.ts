import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import * as z from 'zod/v4-mini'
import { Trouble } from '../local/trouble.ts'

/** A Seam workspace for trying things, and all that was made in it, so that nothing of it stays. */
export interface Sandbox {
  endpoint: string
  workspace: Workspace
  /** Connected accounts that were there before. */
  accountIds: string[]
  /** A new key that nobody else uses. */
  newKey(): string
  /** One POST, by the API key unless told otherwise; never throws for what is answered. */
  call(path: string, params?: Record<string, unknown>, credentials?: Credentials): Promise<Reply>
  /** `get_or_create` by the API key, remembered for the end. Throws when it is refused. */
  vend(params: VendParams): Promise<Session>
  /** What becomes of it is undone at the end, in reverse order. */
  atEnd(undo: () => Promise<unknown>): void
  clock(): number
  sleep(ms: number): Promise<void>
  /** A person logs in to a Connect Webview; absent: there is none. */
  logIn?: (webview: { connect_webview_id: string; url: string }) => Promise<void>
  /** Ends everything; says what could not be ended. */
  cleanUp(): Promise<string[]>
}

export type Credentials = { token: string } | { publishableKey: string }

export interface Reply {
  /** 0: no answer. */
  status: number
  headers: Headers
  /** Seam's `error.type`. */
  type: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: what Seam answers is the question here.
  body: any
}

interface VendParams extends Record<string, unknown> {
  user_identifier_key: string
  connected_account_ids?: string[]
  /** ISO 8601. */
  expires_at?: string
}

const session = z.object({
  client_session_id: z.string(),
  token: z.string(),
  connected_account_ids: z.array(z.string()),
  expires_at: z.string(),
})
export type Session = z.infer<typeof session>

const workspace = z.object({
  workspace_id: z.string(),
  name: z.optional(z.string()),
  is_sandbox: z.boolean(),
  publishable_key: z.optional(z.string()),
  is_publishable_key_auth_enabled: z.optional(z.boolean()),
})
type Workspace = z.infer<typeof workspace>

interface Options {
  endpoint: string
  apiKey: string
  clock?: () => number
  sleep?: (ms: number) => Promise<void>
  logIn?: Sandbox['logIn']
}

/** Milliseconds; long, because how long Seam takes is not the question. */
const patience = 20_000

/** @throws Trouble unless the key opens a sandbox workspace: in no other one is anything asked */
export async function openSandbox(options: Options): Promise<Sandbox> {
  const { endpoint, apiKey, clock = Date.now, sleep = wait, logIn } = options
  const undoing: (() => Promise<unknown>)[] = []
  const made = new Set<string>()

  async function call(
    path: string,
    params: object = {},
    credentials: Credentials = { token: apiKey },
  ): Promise<Reply> {
    const headers = new Headers({ 'content-type': 'application/json' })
    if ('token' in credentials) headers.set('authorization', `Bearer ${credentials.token}`)
    else headers.set('seam-publishable-key', credentials.publishableKey)
    try {
      const response = await fetch(`${endpoint}${path}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(params),
        redirect: 'error',
        signal: AbortSignal.timeout(patience),
      })
      const body = await response.json().catch(() => undefined)
      for (const one of [body?.client_session].flat())
        if (typeof one?.client_session_id === 'string') made.add(one.client_session_id)
      return { status: response.status, headers: response.headers, type: body?.error?.type, body }
    } catch {
      return { status: 0, headers: new Headers(), type: undefined, body: undefined }
    }
  }

  const opened = await call('/workspaces/get')
  if (opened.status === 401 || opened.status === 403)
    throw new Trouble(`${endpoint} does not accept this API key.`)
  const parsed = workspace.safeParse(opened.body?.workspace)
  if (!parsed.success)
    throw new Trouble(
      `${endpoint} answers ${opened.status || 'nothing'} when it is asked for its workspace. Check the address and the network.`,
    )
  const { name, workspace_id, is_sandbox } = parsed.data
  if (is_sandbox !== true)
    throw new Trouble(
      `${name ?? workspace_id} is a production workspace. Give the API key of a sandbox workspace: nothing is tried in any other.`,
    )
  const accounts = await call('/connected_accounts/list')

  return {
    endpoint,
    workspace: parsed.data,
    accountIds: (accounts.body?.connected_accounts ?? []).map(
      ({ connected_account_id }: { connected_account_id: string }) => connected_account_id,
    ),
    newKey: () => `probe_${randomUUID()}`,
    call,
    async vend(params) {
      const { status, type, body } = await call('/client_sessions/get_or_create', {
        expires_at: inAnHour(),
        ...params,
      })
      const vended = session.safeParse(body?.client_session)
      if (!vended.success) throw new Unanswered(`get_or_create answers ${status} ${type ?? ''}`.trimEnd())
      return vended.data
    },
    atEnd: (undo) => undoing.unshift(undo),
    clock,
    sleep,
    ...(logIn !== undefined && { logIn }),
    async cleanUp() {
      for (const undo of undoing.splice(0)) await undo()
      const left: string[] = []
      for (const client_session_id of made) {
        const { status } = await call('/client_sessions/delete', { client_session_id })
        if (status !== 200 && status !== 404) left.push(client_session_id)
      }
      return left
    },
  }

  function inAnHour(): string {
    return new Date(clock() + 3_600_000).toISOString()
  }
}

/** Why a question has no answer here: a sentence. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered'
}
