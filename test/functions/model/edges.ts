import type { Deadline } from '../../../functions/http/deadline.ts'
import type { User } from '../../../functions/record/user.ts'
import type { Breakers } from '../../../functions/seam/breaker.ts'
import type { ClientSession, Seam } from '../../../functions/seam/client.ts'
import type { WorkspaceKnower } from '../../../functions/seam/workspace.ts'
import { workspaceReader } from '../../../functions/seam/workspace.ts'
import type { Seal } from '../../../functions/session/seal.ts'
import { dueShard, holderShard } from '../../../functions/table/keys.ts'
import type { Settings } from '../../../functions/table/small-items.ts'
import type { Table } from '../../../functions/table/table.ts'
import { times } from '../../../functions/times.ts'
import { callingFor, refusal, seamFailure, tableFailure } from './calling.ts'
import type { Clockwork } from './clockwork.ts'
import { redate } from './late.ts'
import type { Fate } from './scenario.ts'
import { Refused, type SeamWorkspace, type Session, wrongAnswers } from './seam.ts'
import type { ModelTable } from './table.ts'
import type { Watch } from './watch.ts'

/** Two by two in different shards of the index. */
export const owners = ['AAAAAAAAAAAAAAAAAAAAAA', 'AQAAAAAAAAAAAAAAAAAAAA', 'AgAAAAAAAAAAAAAAAAAAAA']

/** What the acts of a run have around them. */
export interface Surroundings {
  clockwork: Clockwork
  table: ModelTable
  seam: SeamWorkspace
  /** Another workspace, that of an API key put into the secret by mistake. */
  foreignSeam: SeamWorkspace
  seamClock: () => number
  watch: Watch
  uuid: () => string
  /** Seam refuses deletes with this status. */
  deletesRefused: () => number | undefined
  /** Tokens sealed with another than this cannot be opened. */
  sealingKey: () => number
}

export interface Process {
  name: number
  /** What its clock shows beyond true time, ms. */
  ahead: number
  generation: number
  alive: boolean
  frozenUntil: number
  /** What it has not sent to the table yet waits until it thaws. */
  holdsWrites: boolean
  writesInTime: boolean
  settings: Settings | undefined
  breakers: Breakers
}

/** One act in one process, and what the watch wants to know of it. */
export interface Act {
  name: string
  process: Process
  /** The workspace that its API key opens. */
  workspace: SeamWorkspace
  fate: (call: string) => Fate
  startedAt: number
  /** The record as the act has seen it last. */
  seen: User | undefined
  /** Of whoever asks. */
  binding: string
  /** By its own clock: when it judged last. */
  judgedAt: number
  /** By its own clock: when the table answered its last write. What is handed out is judged after that. */
  committedAt: number
  /** Reads of the clock since something last happened to it. */
  spins: number
  ended: boolean
}

type TableCall =
  | 'readUser'
  | 'compareAndSet'
  | 'readSettings'
  | 'putSettings'
  | 'addHolder'
  | 'readHolders'
  | 'readTombstone'
  | 'putTombstone'
  | 'readSettled'
  | 'addSettled'
  | 'settleTombstone'
  | 'liftTombstone'
  | 'readIdentity'
  | 'putIdentity'
  | 'readRun'
  | 'takeFromBudget'
  | 'due'
  | 'allOwners'
  | 'startRun'
  | 'endRun'
  | 'noteOrphan'

type SeamCall =
  | 'getOrCreate'
  | 'delete'
  | 'list'
  | 'listWithoutTokens'
  | 'whose'
  | 'getWorkspace'
  | 'listConnectedAccountIds'
  | 'knowsAccount'
  | 'knowsIdentity'

/** What only a mistake would ask of the table. */
interface ForMistakes {
  removeHolder(account: string, owner: string): Promise<void>
}

/** The edges as the acts know them; behind each call, its fate. */
export function edgesOf(around: Surroundings, act: Act) {
  const { clockwork, table, watch } = around
  const { process } = act

  const { clock, deliver, call } = callingFor(around, act)

  function atTable<T>(name: string, happens: (heldFor: number) => T, writes = false): Promise<T> {
    const epoch = table.epoch()
    const here = (heldFor: number) => {
      if (table.epoch() !== epoch) throw tableFailure()
      return happens(heldFor)
    }
    return call(name, { retryDelay: 2 * times.dynamodb, happens: here, writes, failure: tableFailure })
  }

  const atSeam = <T>(
    name: string,
    within: Deadline,
    happens: (workspace: SeamWorkspace) => T,
    distorted?: (value: T, which: number) => T,
    instead?: () => T,
  ): Promise<T> =>
    call(name, {
      retryDelay: Math.min(times.seam, within.left()),
      happens: () => happens(act.workspace),
      failure: (late) => seamFailure(name, late),
      refusal: (status) => refusal(name, status),
      ...(distorted && { distorted }),
      ...(instead && { instead }),
    })

  const tableEdge: Pick<Table, TableCall> & ForMistakes = {
    async readUser(owner) {
      const user = await atTable('read', () => table.read(owner))
      act.seen = user
      return user
    },
    async compareAndSet(owner, revision, next) {
      const taken = clockwork.now() + process.ahead
      const write = (heldFor: number) => {
        if (process.writesInTime) redate(next, taken, taken + heldFor)
        const result = watch.writing(act, () => table.compareAndSet(owner, revision, next))
        if (result.written) watch.wroteLate(next, { taken, heldFor, by: process.name })
        return result
      }
      const result = await atTable('compareAndSet', write, true)
      act.committedAt = clockwork.now() + process.ahead
      act.seen = result.written || result.found?.revision === next?.revision ? next : result.found
      return result
    },
    readSettings: () => atTable('readSettings', table.readSettings),
    putSettings: (settings) => atTable('putSettings', () => table.putSettings(settings)),
    addHolder: (account, owner) => atTable('addHolder', () => table.addHolder(account, owner)),
    // Most shards are empty, and no news.
    readHolders: async (account, shard) =>
      table.readHolders(account, shard).length === 0 && !owners.some((owner) => holderShard(owner) === shard)
        ? []
        : atTable('readHolders', () => table.readHolders(account, shard)),
    readTombstone: (account) => atTable('readTombstone', () => table.readTombstone(account)),
    putTombstone: (account, at, id) => atTable('putTombstone', () => table.putTombstone(account, at, id)),
    readSettled: (...how) => atTable('readSettled', () => table.readSettled(...how)),
    addSettled: async (account, shard, tombstone, owners) =>
      owners.length === 0
        ? undefined
        : atTable('addSettled', () => table.addSettled(account, shard, tombstone, owners)),
    settleTombstone: (...how) => atTable('settleTombstone', () => table.settleTombstone(...how)),
    liftTombstone: (...how) => atTable('liftTombstone', () => table.liftTombstone(...how)),
    readIdentity: (id) => atTable('readIdentity', () => table.readIdentity(id)),
    putIdentity: (...how) => atTable('putIdentity', () => table.putIdentity(...how)),
    readRun: async () => ({}),
    removeHolder: (account, owner) => atTable('removeHolder', () => table.removeHolder(account, owner)),
    takeFromBudget: (what, limit) => atTable('takeFromBudget', () => table.takeFromBudget(what, limit)),
    async due(shard, now) {
      const accountIds = shard === 0 ? table.unsettled() : []
      // Most of the index is empty, and no news.
      if (![...table.users.keys()].some((owner) => dueShard(owner) === shard))
        return { owners: [], accountIds, after: undefined }
      return {
        accountIds,
        after: undefined,
        owners: await call('due', {
          retryDelay: 2 * times.dynamodb,
          happens: () => table.dueOwners(shard, now, false),
          distorted: () => table.dueOwners(shard, now, true),
          failure: tableFailure,
        }),
      }
    },
    allOwners: async () => ({ owners: await atTable('allOwners', table.allOwners), after: undefined }),
    startRun: (run, now, until) => atTable('startRun', () => table.startRun(run, now, until)),
    endRun: (run, until) => atTable('endRun', () => table.endRun(run, until)),
    noteOrphan: (id, now) => atTable('noteOrphan', () => table.noteOrphan(id, now)),
  }

  const seam: Pick<Seam, SeamCall> = {
    getOrCreate(params, within) {
      const { user_identifier_key: key, connected_account_ids, expires_at, user_identity_id } = params
      watch.calling(key, act)
      return atSeam(
        'getOrCreate',
        within,
        (workspace) => {
          watch.arrives(key, workspace)
          return wire(
            workspace.getOrCreate(key, connected_account_ids, expires_at, user_identity_id),
            workspace,
          )
        },
        (answer, which) => distort(answer, which),
      )
    },
    delete({ client_session_id }, within) {
      watch.deleting(client_session_id, act)
      return atSeam(
        'delete',
        within,
        (workspace) => {
          const status = around.deletesRefused()
          if (status !== undefined) throw new Refused(status)
          workspace.delete(client_session_id)
        },
        undefined,
        () => {
          throw new Refused(404)
        },
      )
    },
    list(filter, within) {
      const key = 'user_identifier_key' in filter ? filter.user_identifier_key : ''
      return atSeam(
        'list',
        within,
        (workspace) => workspace.list(key).map((session) => wire(session, workspace)),
        // Without its filter.
        () => [...act.workspace.sessions()].map((session) => wire(session, act.workspace)),
      )
    },
    listWithoutTokens: (within) =>
      atSeam('listWithoutTokens', within, (workspace) =>
        workspace.listAll().map((session) => {
          const { token: _, ...rest } = wire(session, workspace)
          return rest
        }),
      ),
    // Asked with the token itself, so in its own workspace whatever our API key opens.
    whose: (token, within) =>
      atSeam('whose', within, () => {
        const session = [...around.seam.sessions()].find((one) => one.token === token)
        return session && around.seam.isLive(session) ? wire(session, around.seam) : undefined
      }),
    getWorkspace: (within) =>
      atSeam('getWorkspace', within, ({ workspace_id }) => ({
        workspace_id,
        is_sandbox: true,
        answered_at: Math.floor(around.seamClock() / 1000) * 1000,
      })),
    knowsAccount: (id, within) =>
      atSeam('knowsAccount', within, (workspace) => watch.accountsKnownTo(workspace).includes(id)),
    knowsIdentity: (_id, within) => atSeam('knowsIdentity', within, () => true),
    listConnectedAccountIds: (within) =>
      atSeam('listConnectedAccountIds', within, (workspace) => watch.accountsKnownTo(workspace)),
  }

  /** The answer to `get_or_create`, wrong in one way. */
  function distort(answer: ClientSession, which: number): ClientSession {
    const other = (stranger: boolean) =>
      [...around.seam.sessions()].find(
        (one) => one.stranger === stranger && one.user_identifier_key !== answer.user_identifier_key,
      )
    const accounts = answer.connected_account_ids
    switch (wrongAnswers[which]) {
      case 'other_key':
        return wire(other(true) ?? (around.seam.sessions().next().value as Session), around.seam)
      case 'other_user': {
        const session = other(false)
        return session ? wire(session, around.seam) : { ...answer, user_identifier_key: null }
      }
      case 'other_id':
        // Where no id is recorded yet, nobody can tell: the token is the right one.
        if (act.seen?.sessions[act.binding]?.client_session_id === undefined)
          return { ...answer, client_session_id: `ghost of ${answer.client_session_id}` }
        return { ...answer, client_session_id: 'ghost', token: 'seam_cst_ghost' }
      case 'other_workspace':
        return { ...answer, workspace_id: 'elsewhere' }
      case 'extra_account':
        return { ...answer, connected_account_ids: [...accounts, 'account-of-somebody'] }
      case 'missing_account':
        return { ...answer, connected_account_ids: accounts.slice(1).concat(accounts.length ? [] : ['one']) }
      case 'expired':
        return { ...answer, expires_at: isoTime(clockwork.now() - 3_600_000) }
      default:
        return { ...answer, expires_at: isoTime(clockwork.now() + 365 * 24 * 3_600_000) }
    }
  }

  const seal: Seal = {
    seal: async (token, whose) => `${around.sealingKey()} ${Object.values(whose).join('/')} ${token}`,
    open: async (sealed, whose) => {
      act.judgedAt = clockwork.now() + process.ahead
      const [key, sealedFor, token] = sealed.split(' ')
      const isTheirs = sealedFor === Object.values(whose).join('/')
      return Number(key) === around.sealingKey() && isTheirs ? token : undefined
    },
  }

  /** As a process has it: the settings are remembered, the API key's workspace is asked for each time. */
  const workspace: WorkspaceKnower = workspaceReader({
    table: {
      readSettings: async () => {
        process.settings ??= await tableEdge.readSettings()
        return process.settings
      },
      putSettings: async (settings) => {
        process.settings = await tableEdge.putSettings(settings)
        return process.settings
      },
    },
    seam,
    uuid: around.uuid,
    deployment: 'model',
  })

  return {
    table: tableEdge,
    seam,
    seal,
    workspace,
    clock,
    uuid: around.uuid,
    random: () => 0.5,
    sleep: (ms: number) => new Promise<void>((resolve) => deliver(clockwork.now() + ms, resolve)),
  }
}

function wire(session: Session, { workspace_id }: SeamWorkspace): ClientSession {
  return {
    client_session_id: session.client_session_id,
    token: session.token,
    user_identifier_key: session.user_identifier_key,
    connected_account_ids: [...session.connected_account_ids],
    ...(session.user_identity_id !== undefined && { user_identity_id: session.user_identity_id }),
    workspace_id,
    created_at: isoTime(session.created_at),
    expires_at: isoTime(Math.min(session.expires_at, 8e15)),
  }
}

const isoTime = (ms: number) => new Date(ms).toISOString()
