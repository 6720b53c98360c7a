import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import * as z from 'zod/v4-mini'
import { CliError } from '../../local/cli-error.ts'
import type { Readings } from '../../local/seam/readings.ts'
import { Refused } from '../errors.ts'
import { post, type Reply } from '../setup/seam.ts'

/** A Seam workspace for trying things, and all that was made in it, so that nothing of it stays. */
export interface Sandbox {
  endpoint: string
  apiKey: string
  workspace: Workspace
  /** Connected accounts that were there before. */
  accountIds: string[]
  /** Run at the end, from the first on. */
  undo: (() => Promise<unknown>)[]
  /** Run after that, when no client session is left. */
  undoLast: (() => Promise<unknown>)[]
  /** Client sessions to delete at the end. */
  made: Set<string>
  clock(): number
  sleep(ms: number): Promise<unknown>
  /** A person logs in to a Connect Webview; absent: there is none. */
  logIn?:
    | ((webview: { connect_webview_id: string; url: string }, sandbox: Sandbox) => Promise<void>)
    | undefined
}

type Credentials = { token: string } | { publishableKey: string }

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

type Options = Pick<Sandbox, 'endpoint' | 'apiKey' | 'logIn'> & Partial<Pick<Sandbox, 'clock' | 'sleep'>>

/** @throws CliError unless the key opens a sandbox workspace: in no other one is anything asked */
export async function openSandbox(options: Options): Promise<Sandbox> {
  const { endpoint } = options
  const access = { undo: [], undoLast: [], made: new Set<string>(), clock: Date.now, sleep: wait, ...options }
  const opened = await call(access, '/workspaces/get')
  if (opened.status === 401 || opened.status === 403)
    throw new Refused(`${endpoint} does not accept this API key.`)
  const parsed = workspace.safeParse(opened.body?.workspace)
  if (!parsed.success)
    throw new CliError(
      `${endpoint} answers ${opened.status || 'nothing'} when it is asked for its workspace. Check the address and the network.`,
    )
  const { name, workspace_id, is_sandbox } = parsed.data
  if (is_sandbox !== true)
    throw new Refused(
      `${name ?? workspace_id} is a production workspace. Give the API key of a sandbox workspace: nothing is tried in any other.`,
    )
  const accounts: { connected_account_id: string }[] =
    (await call(access, '/connected_accounts/list')).body?.connected_accounts ?? []
  const accountIds = accounts.map(({ connected_account_id }) => connected_account_id)
  return { ...access, workspace: parsed.data, accountIds }
}

/** One POST, by the API key unless told otherwise; never throws for what is answered. */
export async function call(
  { endpoint, apiKey, made }: Pick<Sandbox, 'endpoint' | 'apiKey' | 'made'>,
  path: string,
  params: object = {},
  credentials: Credentials = { token: apiKey },
): Promise<Reply> {
  const headers: Record<string, string> =
    'token' in credentials
      ? { authorization: `Bearer ${credentials.token}` }
      : { 'seam-publishable-key': credentials.publishableKey }
  const reply = await post(`${endpoint}${path}`, headers, params)
  const id = reply.body?.client_session?.client_session_id
  if (typeof id === 'string') made.add(id)
  return reply
}

/** `ok` when Seam did it, else such as `400 invalid_input`. */
export const said = ({ status, type }: Reply, ok?: string) =>
  status === 200 && ok !== undefined ? ok : `${status} ${type ?? ''}`.trimEnd()

/** A new key that nobody else uses. */
export const newKey = () => `probe_${randomUUID()}`

/** `get_or_create` by the API key, for an hour and no account unless `params` say otherwise. Throws `Unanswered` when it is refused. */
export async function vend(
  sandbox: Sandbox,
  user_identifier_key = newKey(),
  params: { connected_account_ids?: string[]; user_identity_id?: string; expires_at?: string } = {},
): Promise<Session> {
  const expires_at = new Date(sandbox.clock() + 3_600_000).toISOString()
  const asked = { user_identifier_key, expires_at, connected_account_ids: [], ...params }
  const reply = await call(sandbox, '/client_sessions/get_or_create', asked)
  const vended = session.safeParse(reply.body?.client_session)
  if (!vended.success) throw new Unanswered(`get_or_create answers ${said(reply)}`)
  return vended.data
}

/** `get_or_create` with publishable-key access as it is wanted, and afterwards as it was. */
export async function byPublishableKey(
  sandbox: Sandbox,
  isOn: boolean,
  user_identifier_key: string,
): Promise<Reply> {
  const { publishable_key: publishableKey, is_publishable_key_auth_enabled: before } = sandbox.workspace
  if (publishableKey === undefined) throw new Unanswered('the workspace does not show its publishable key')
  const set = (is_publishable_key_auth_enabled: boolean) =>
    call(sandbox, '/workspaces/update', { is_publishable_key_auth_enabled })
  const restore = () => set(before ?? false)
  // A stop in between must not leave the door open.
  sandbox.undo.unshift(restore)
  if ((await set(isOn)).status !== 200)
    throw new Unanswered('the workspace’s settings cannot be changed with this key')
  const reply = await call(
    sandbox,
    '/client_sessions/get_or_create',
    { user_identifier_key },
    { publishableKey },
  )
  await restore()
  return reply
}

/** Ends everything; returns the client sessions that could not be ended. */
export async function cleanUp(sandbox: Sandbox): Promise<string[]> {
  for (const undo of sandbox.undo.splice(0)) await undo()
  const left: string[] = []
  for (const client_session_id of sandbox.made) {
    const { status } = await call(sandbox, '/client_sessions/delete', { client_session_id })
    if (status !== 200 && status !== 404) left.push(client_session_id)
  }
  for (const undo of sandbox.undoLast.splice(0)) await undo()
  return left
}

/** Something that Seam's documentation leaves open: a clause of the contract between Seam and the local Seam. */
export interface Question {
  name: string
  asks: string
  /** What the local Seam answers with its plain readings; tests hold it to that. */
  local: string
  /** Which of the local Seam's readings an answer means, by how the answer begins. */
  reading?: { [Name in keyof Readings]?: Record<string, Readings[Name]> }
  /** The answer in a few words; throws `Unanswered` where there can be none. */
  ask(sandbox: Sandbox): Promise<string>
}

/** Why a question has no answer here: a sentence. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered'
}
