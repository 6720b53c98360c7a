import { randomBytes } from 'node:crypto'
import { deadlineIn } from '../../functions/deadline.ts'
import { SeamFailure, seamClient } from '../../functions/seam.ts'
import { times } from '../../functions/times.ts'
import { startDynamoDb } from './dynamodb.ts'
import { type DynamoDbFaults, startDynamoDbFaults } from './dynamodb-faults.ts'
import type { Folder } from './folder.ts'
import { type IdentityProvider, startIdentityProvider } from './identity-provider.ts'
import type { Memory } from './memory.ts'
import { type Page, startPage } from './page/server.ts'
import type { SeamUser } from './seam/state.ts'
import { type LocalSeam, startSeam } from './seam/workspace.ts'
import { Trouble } from './trouble.ts'

export interface PartsOptions {
  /** A real workspace instead of the local one. */
  seam?: { endpoint: string; apiKey: string }
  /** Where these listen in a new folder; absent: on any free ports. */
  usualPorts?: { identityProvider: number; seam: number; page: number }
}

/** What the API stands on. */
export interface Parts {
  /** In front of the engine: the way for everybody in this world. */
  dynamoDbFaults: DynamoDbFaults
  dynamoDbAccessKeyId: string
  identityProvider: IdentityProvider
  page: Page
  workspace: Workspace
}

export interface Workspace {
  endpoint: string
  apiKey: string
  workspace_id: string
  /** Who has accounts with devices: nobody we know of in a real workspace. */
  users: SeamUser[]
  local?: LocalSeam
}

/**
 * Starts all of them side by side, each where it was before.
 * @param origins whose pages may call the identity provider and the local Seam; may still be empty
 * @param atEnd is told how to end each one that has started, also when another has failed
 * @throws Trouble
 */
export async function startParts(
  options: PartsOptions,
  folder: Folder,
  memory: Memory,
  origins: ReadonlySet<string>,
  atEnd: (end: () => Promise<void>) => void,
): Promise<Parts> {
  const { seam, usualPorts: usual = { identityProvider: 0, seam: 0, page: 0 } } = options

  async function ended<T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> {
    const part = await starting
    atEnd(() => part.close())
    return part
  }
  const identityProvider = (port: number) =>
    startIdentityProvider({ port, stateFile: folder.file('identity-provider.json'), origins })
  const localSeam = (port: number) =>
    startSeam({ port, stateFile: folder.file('seam.json'), control: true, origins })

  const starting = [
    ended(startDynamoDb(folder.file('dynamodb'))),
    ended(memory.atItsPort('identity_provider', usual.identityProvider, identityProvider)),
    ended(memory.atItsPort('page', usual.page, (port) => startPage({ port }))),
    seam === undefined
      ? ended(memory.atItsPort('seam', usual.seam, localSeam)).then(ofLocal)
      : ofReal(seam.endpoint, seam.apiKey),
  ] as const
  await Promise.allSettled(starting)
  const [dynamoDb, provider, page, workspace] = await Promise.all(starting)
  const accessKeyId = randomBytes(16).toString('hex')
  const dynamoDbFaults = await ended(
    startDynamoDbFaults({ endpoint: dynamoDb.socket, accessKeyId, control: true }),
  )
  await memory.keepPorts({
    identity_provider: provider.issuer,
    page: page.url,
    ...(workspace.local !== undefined && { seam: workspace.endpoint }),
  })
  return { dynamoDbFaults, dynamoDbAccessKeyId: accessKeyId, identityProvider: provider, page, workspace }
}

function ofLocal(local: LocalSeam): Workspace {
  const { url, apiKey, workspaceId, users } = local
  return { endpoint: url, apiKey, workspace_id: workspaceId, users, local }
}

async function ofReal(endpoint: string, apiKey: string): Promise<Workspace> {
  const seam = seamClient({ endpoint, apiKey: async () => apiKey, times })
  try {
    const { workspace_id } = await seam.getWorkspace(deadlineIn(times.seam, Date.now))
    return { endpoint, apiKey, workspace_id, users: [] }
  } catch (error) {
    if (!(error instanceof SeamFailure)) throw error
    throw new Trouble(
      error.httpStatus === 401 || error.httpStatus === 403
        ? `${endpoint} does not accept SEAM_API_KEY. Check that it is the key of the workspace you mean.`
        : `${endpoint} cannot be used as Seam: ${error.message}. Check SEAM_ENDPOINT and the network.`,
    )
  }
}
