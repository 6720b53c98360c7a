import { randomBytes } from 'node:crypto'
import { freshFetch } from '../../functions/http/connections.ts'
import { deadlineIn } from '../../functions/http/deadline.ts'
import { seamClient } from '../../functions/seam/client.ts'
import { SeamFailure } from '../../functions/seam/failure.ts'
import { times } from '../../functions/times.ts'
import { CliError } from './cli-error.ts'
import { startDynamoDb } from './dynamodb.ts'
import { startDynamoDbFaults } from './dynamodb-faults.ts'
import type { Folder } from './folder.ts'
import { type IdentityProvider, startIdentityProvider } from './identity-provider.ts'
import type { Memory } from './memory.ts'
import { type Page, startPage } from './page/server.ts'
import type { SeamUser } from './seam/state.ts'
import { type LocalSeam, startSeam } from './seam/workspace.ts'
import type { WorldFile } from './world-file.ts'

export interface PartsOptions {
  /** A real workspace instead of the local one. */
  seam?: { endpoint: string; apiKey: string }
  /** Where they listen in a new folder; absent: on any free ports. */
  usualPorts?: { identityProvider: number; seam: number; page: number }
}

/** What the API depends on. */
export interface Parts {
  /** The fault layer in front of the engine, which everybody in this world goes through. */
  dynamoDb: Pick<WorldFile, 'dynamodb' | 'dynamodb_access_key_id'>
  dynamoDbControl: string
  identityProvider: IdentityProvider
  page: Page
  workspace: Workspace
}

interface Workspace {
  endpoint: string
  apiKey: string
  workspace_id: string
  /** Users whose accounts have devices. Empty for a real workspace: we know none of its users. */
  users: SeamUser[]
  local?: LocalSeam
}

type Ended = <T extends { close(): Promise<void> }>(starting: Promise<T>) => Promise<T>

/**
 * Starts all of them in parallel, each on its port of the last run.
 * @param origins whose pages may call the identity provider and the local Seam; may still be empty
 * @param atEnd gets what stops each one that has started, even if another fails
 * @throws CliError
 */
export async function startParts(
  { seam, usualPorts: usual = { identityProvider: 0, seam: 0, page: 0 } }: PartsOptions,
  folder: Folder,
  memory: Memory,
  origins: ReadonlySet<string>,
  atEnd: (end: () => Promise<void>) => void,
): Promise<Parts> {
  const ended: Ended = async (starting) => {
    const part = await starting
    atEnd(() => part.close())
    return part
  }
  const startProvider = (port: number) =>
    startIdentityProvider({ port, stateFile: folder.file('identity-provider.json'), origins })
  const startLocalSeam = (port: number) =>
    startSeam({ port, stateFile: folder.file('seam.json'), control: true, origins })

  const starting = [
    startRecords(folder.file('dynamodb'), ended),
    ended(memory.atItsPort('identity_provider', usual.identityProvider, startProvider)),
    ended(memory.atItsPort('page', usual.page, (port) => startPage({ port }))),
    seam
      ? realWorkspace(seam)
      : ended(memory.atItsPort('seam', usual.seam, startLocalSeam)).then(workspaceOf),
  ] as const
  await Promise.allSettled(starting)
  const [records, identityProvider, page, workspace] = await Promise.all(starting)
  await memory.keepPorts({
    identity_provider: identityProvider.issuer,
    page: page.url,
    ...(workspace.local && { seam: workspace.endpoint }),
  })
  return { ...records, identityProvider, page, workspace }
}

async function startRecords(
  folder: string,
  ended: Ended,
): Promise<Pick<Parts, 'dynamoDb' | 'dynamoDbControl'>> {
  const { socket } = await ended(startDynamoDb(folder))
  const accessKeyId = randomBytes(16).toString('hex')
  const { endpoint, control = '' } = await ended(
    startDynamoDbFaults({ endpoint: socket, accessKeyId, control: true }),
  )
  return { dynamoDb: { dynamodb: endpoint, dynamodb_access_key_id: accessKeyId }, dynamoDbControl: control }
}

function workspaceOf(local: LocalSeam): Workspace {
  const { url, apiKey, workspaceId, users } = local
  return { endpoint: url, apiKey, workspace_id: workspaceId, users, local }
}

export const clientOf = ({ endpoint, apiKey }: Pick<Workspace, 'endpoint' | 'apiKey'>) =>
  seamClient({ endpoint, apiKey: async () => apiKey, times, fetch: freshFetch(Date.now) })

async function realWorkspace(seam: { endpoint: string; apiKey: string }): Promise<Workspace> {
  try {
    const { workspace_id } = await clientOf(seam).getWorkspace(deadlineIn(times.seam, Date.now))
    return { ...seam, workspace_id, users: [] }
  } catch (error) {
    if (!(error instanceof SeamFailure)) throw error
    throw new CliError(
      error.httpStatus === 401 || error.httpStatus === 403
        ? `${seam.endpoint} does not accept SEAM_API_KEY. Check that it is the key of the workspace you mean.`
        : `${seam.endpoint} cannot be used as Seam: ${error.message}. Check SEAM_ENDPOINT and the network.`,
    )
  }
}
