import { hash } from 'node:crypto'
import { ownerOf } from '../caller/owner.ts'
import { Problem } from '../http/problem.ts'
import type { User } from '../record/user.ts'
import { gather } from '../seam/rate-limit.ts'
import { holderShards, tableShape } from '../table/keys.ts'
import type { Acting } from './acting.ts'
import { isKnownAccount } from './changing.ts'
import type { Params, ShownAccount, ShownSession } from './client.ts'
import { shownUser } from './showing.ts'

/** The commands that only look. */

export async function showUser(acting: Acting, { subject }: Params<'show'>) {
  return shownUser(await userOf(acting, subject))
}

export async function listUsers(acting: Acting, params: Params<'list'>) {
  const { status, connected_account_id: accountId } = params
  const { users, after } = await (accountId === undefined
    ? pageOfUsers(acting, params)
    : holdersOf(acting, accountId, params))
  const wanted = users.filter((user) => status === undefined || user.status === status)
  return { users: wanted.map(shownUser), after }
}

/** A page of all users; `after` is where the next one starts. */
export async function pageOfUsers({ table }: Acting, { after, limit }: Params<'export'>) {
  const { key } = tableShape
  const page = await table.allUsers({
    limit,
    after: after === undefined ? undefined : { [key]: { S: after } },
  })
  return { users: page.users, after: page.after?.[key]?.S }
}

/** By the account's own item, which names everybody who may hold it: the users say who does. */
async function holdersOf(acting: Acting, accountId: string, { after = '', limit = 100 }: Params<'list'>) {
  const owners = await holderNames(acting, accountId)
  // Nobody has it: it may be a typing error, which must not read like an answer.
  if (owners.length === 0 && !(await isKnownAccount(acting, accountId)))
    throw new Problem('not_found', {
      reason: 'unknown_account',
      detail: 'Neither Seam nor a record knows this connected account; `accounts` shows those there are.',
    })
  const page = owners
    .sort()
    .filter((owner) => owner > after)
    .slice(0, limit + 1)
  const users = await readUsers(acting, page.slice(0, limit))
  return {
    users: users.filter((user) => holds(user, accountId)),
    after: page.length > limit ? page[limit - 1] : undefined,
  }
}

/** What Seam shows under each of the user's keys. The tokens and keys in its answers go no further. */
export async function showSessions(acting: Acting, { subject }: Params<'sessions'>) {
  const user = await userOf(acting, subject)
  const entries = [
    ...Object.values(user.sessions).map((entry) => ({ ...entry, state: 'current' as const })),
    ...user.retired.map((entry) => ({ ...entry, state: 'let_go' as const })),
  ]
  const states = new Map(
    entries.toReversed().map(({ client_session_id, state }) => [client_session_id, state]),
  )
  const client_sessions: ShownSession[] = []
  for (const key of new Set(entries.map((entry) => entry.user_identifier_key)))
    for (const session of await acting.seam.list({ user_identifier_key: key }, acting.deadline)) {
      // A list that ignored its filter would show strangers.
      if (session.user_identifier_key !== key) continue
      const { client_session_id, created_at, expires_at, connected_account_ids, token } = session
      const shown = { client_session_id, created_at, expires_at, connected_account_ids }
      const state = states.get(client_session_id) ?? 'stray'
      client_sessions.push({ ...shown, state, token_sha256: hash('sha256', token, 'hex').slice(0, 12) })
    }
  return { client_sessions }
}

export async function listAccounts(acting: Acting, { unassigned = false }: Params<'accounts'>) {
  const atSeam = await acting.seam.listConnectedAccounts(acting.deadline)
  const accounts = await gather(atSeam, async (account): Promise<ShownAccount> => {
    const { connected_account_id, account_type, display_name, user_identifier } = account
    const users = await readUsers(acting, await holderNames(acting, connected_account_id))
    return {
      connected_account_id,
      provider: account_type,
      display_name: display_name ?? user_identifier?.email ?? user_identifier?.username,
      holders: users.filter((user) => holds(user, connected_account_id)).map(({ subject }) => subject),
    }
  })
  return { accounts: accounts.filter(({ holders }) => !unassigned || holders.length === 0) }
}

/** A superset of who holds it. */
async function holderNames({ table }: Acting, accountId: string): Promise<string[]> {
  const shards = Array.from({ length: holderShards }, (_, shard) => shard)
  return (await gather(shards, (shard) => table.readHolders(accountId, shard))).flat()
}

async function userOf({ table, audit }: Acting, subject: string): Promise<User> {
  audit.owner = ownerOf(subject)
  const user = await table.readUser(audit.owner)
  if (user === undefined) throw new Problem('not_found', { detail: 'There is no record of this subject.' })
  return user
}

async function readUsers({ table }: Acting, owners: string[]): Promise<User[]> {
  const users = await gather(owners, (owner) => table.readUser(owner))
  return users.filter((user) => user !== undefined)
}

function holds(user: User, accountId: string): boolean {
  return user.status !== 'removed' && user.connected_account_ids.includes(accountId)
}
