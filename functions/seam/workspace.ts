import type { Deadline } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import type { Settings } from '../table/small-items.ts'
import type { Table } from '../table/table.ts'
import type { Seam } from './client.ts'

/** Which workspace this table belongs to: asked of Seam once, written down, and never changed afterwards. */
export type WorkspaceKnower = Pick<ReturnType<typeof workspaceReader>, 'settings' | 'confirm'>

export function workspaceReader(deps: {
  table: Pick<Table, 'readSettings' | 'putSettings'>
  seam: Pick<Seam, 'getWorkspace'>
  uuid: () => string
  deployment: string
}) {
  let known: Settings | undefined

  /** The workspace and the key prefix of this table; remembered by the process. */
  async function settings(deadline: Deadline): Promise<Settings> {
    known ??= await deps.table.readSettings()
    if (known !== undefined) return known
    const { workspace_id } = await deps.seam.getWorkspace(deadline)
    const random = deps.uuid().replaceAll('-', '').slice(0, 8)
    known = await deps.table.putSettings({ workspace_id, key_prefix: `${deps.deployment}-${random}` })
    return known
  }

  return {
    settings,
    /** What another process has written down, known before anybody asks. Never asks Seam. */
    async recall(): Promise<void> {
      known ??= await deps.table.readSettings()
    },
    /**
     * Law 5: a 404 says that a client session is gone only if the API key opens this very workspace.
     * Throws `upstream_rejected` when it opens another.
     */
    async confirm(deadline: Deadline): Promise<void> {
      const { workspace_id } = await settings(deadline)
      const opened = await deps.seam.getWorkspace(deadline)
      if (opened.workspace_id !== workspace_id)
        throw new Problem('upstream_rejected', { dependency: 'seam', reason: 'api_key_of_another_workspace' })
    },
  }
}

/**
 * Whose a client session at Seam says it is, by its key `<key prefix>_<owner>_<uuid>`: where to look, no proof. Undefined
 * for a stranger's. An owner may hold a `_` itself, but has 22 characters.
 */
export function ownerAtSeam(
  session: { user_identifier_key: string | null; workspace_id: string },
  { key_prefix, workspace_id }: Settings,
): string | undefined {
  const key = session.user_identifier_key
  if (session.workspace_id !== workspace_id || !key?.startsWith(`${key_prefix}_`)) return undefined
  return /^([\w-]{22})_[0-9a-f-]{36}$/.exec(key.slice(key_prefix.length + 1))?.[1]
}
