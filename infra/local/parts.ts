import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { deadlineIn } from '../../functions/http/deadline.ts'
import { SeamFailure } from '../../functions/seam/failure.ts'
import { times } from '../../functions/times.ts'
import { CliError } from './cli-error.ts'
import { type SeamAccess, workspaceClient } from './clients.ts'
import { startDynamoDb } from './dynamodb.ts'
import { startDynamoDbFaults } from './dynamodb-faults.ts'
import { openMemory } from './files.ts'
import { startIdentityProvider } from './identity-provider.ts'
import { startPage } from './page/server.ts'
import { startSeam } from './seam/workspace.ts'

export interface PartsOptions {
  /** Keeps the state; no other world may run on it. */
  folder: string
  /** A real workspace instead of the local one. */
  seam?: SeamAccess
  /** Where they listen in a new folder; absent: on any free ports. */
  usualPorts?: { [part in 'identity_provider' | 'page' | 'seam']: number }
}

export type Parts = Awaited<ReturnType<typeof startParts>>

/**
 * Starts what the API depends on, each on its port of the last run.
 * @param origins whose pages may call the identity provider and the local Seam; may still be empty
 * @param atEnd gets what stops each one that has started
 * @throws CliError
 */
export async function startParts(
  { folder, seam, usualPorts }: PartsOptions,
  origins: ReadonlySet<string>,
  atEnd: (end: () => Promise<void>) => void,
) {
  async function ended<T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> {
    const part = await starting
    atEnd(() => part.close())
    return part
  }
  const { sealingKeySecret, atItsPort } = await openMemory(join(folder, 'memory.json'), usualPorts)
  const engine = await ended(startDynamoDb(join(folder, 'dynamodb')))
  const accessKeyId = randomBytes(16).toString('hex')
  // Everybody in this world goes through the fault layer.
  const faults = await ended(startDynamoDbFaults({ endpoint: engine.socket, accessKeyId }))
  const identityProvider = await atItsPort('identity_provider', (port) =>
    ended(startIdentityProvider({ port, stateFile: join(folder, 'identity-provider.json'), origins })),
  )
  const page = await atItsPort('page', (port) => ended(startPage({ port })))
  const workspace = seam
    ? await realWorkspace(seam)
    : await atItsPort('seam', (port) =>
        ended(startSeam({ port, stateFile: join(folder, 'seam.json'), origins })),
      )
  /** Absent when Seam is a real workspace. */
  const local = workspace.control === undefined ? undefined : workspace
  /** As `world.json` has them. */
  const records = {
    dynamodb: faults.endpoint,
    dynamodb_access_key_id: accessKeyId,
    dynamodb_control: faults.control,
    // A table belongs to one workspace for good, so another workspace gets another one.
    table: `token-vending-${workspace.workspaceId}`,
  }
  return { sealingKeySecret, records, identityProvider, page, local, workspace }
}

async function realWorkspace(seam: SeamAccess) {
  try {
    const { workspace_id } = await workspaceClient(seam).getWorkspace(deadlineIn(times.seam, Date.now))
    return { ...seam, workspaceId: workspace_id, control: undefined }
  } catch (error) {
    if (!(error instanceof SeamFailure)) throw error
    throw new CliError(
      error.httpStatus === 401 || error.httpStatus === 403
        ? `${seam.url} does not accept SEAM_API_KEY. Check that it is the key of the workspace you mean.`
        : `${seam.url} cannot be used as Seam: ${error.message}. Check SEAM_ENDPOINT and the network.`,
    )
  }
}
