import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import type { Server, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DynamoDB, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { sdkAttempts } from '../../functions/aws/dynamodb-sdk.ts'
import { tableShape } from '../../functions/table/keys.ts'
import { times } from '../../functions/times.ts'
import { CliError, codeOf } from './cli-error.ts'
import type { WorldFile } from './files.ts'
import { closeServer } from './loopback.ts'

const require = createRequire(import.meta.url)

/**
 * Starts the DynamoDB engine. It checks no signature and answers pages of every origin, so it listens on a socket that
 * only the folder's owner can open and no browser can.
 * @param folder keeps the tables
 * @throws CliError
 */
export async function startDynamoDb(folder: string) {
  const refuse = (error: unknown) => {
    throw new CliError(
      `${folder} cannot be the folder of the records (${codeOf(error)}). Move away what is there.`,
    )
  }
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch(refuse)
  const server = await openDynalite(join(folder, 'dynalite'))
  const unanswered = new Set<ServerResponse>()
  server.on('request', (_, response: ServerResponse) => {
    unanswered.add(response)
    response.once('close', () => unanswered.delete(response))
  })
  const socket = await socketFor(folder)
  await rm(socket, { force: true })
  await once(server.listen(socket), 'listening').catch(refuse)
  await chmod(socket, 0o600)
  return {
    /** The Unix socket where it listens. */
    socket,
    async close(): Promise<void> {
      // A request that meets the closed store would end the process.
      for (const response of unanswered) await once(response, 'close')
      await closeServer(server)
      if (dirname(socket) !== folder) await rm(dirname(socket), { recursive: true, force: true })
    },
  }
}

/** What fits into a socket's address, in bytes. */
const longestSocket = process.platform === 'darwin' ? 103 : 107

async function socketFor(folder: string): Promise<string> {
  const socket = join(folder, 'socket')
  if (Buffer.byteLength(socket) <= longestSocket) return socket
  // mkdtemp makes folders that only their owner can enter.
  return join(await mkdtemp(join(tmpdir(), 'token-vending-')), 'socket')
}

/**
 * Dynalite, before it listens.
 * @param path the folder of its store, which one process can have open; absent: only in memory
 * @throws CliError
 */
export async function openDynalite(path?: string): Promise<Server> {
  const dynalite: (options: { path?: string; createTableMs: number }) => Server = require('dynalite')
  if (path !== undefined) await checkStore(path)
  return dynalite({ ...(path !== undefined && { path }), createTableMs: 0 })
}

/** Dynalite opens its store with the first request, and ends the process when it cannot. */
async function checkStore(path: string): Promise<void> {
  const { Level } = createRequire(require.resolve('dynalite'))('level')
  try {
    const store = new Level(path)
    await store.open()
    await store.close()
  } catch (error) {
    const reason = error instanceof Error && error.cause !== undefined ? error.cause : error
    throw new CliError(
      codeOf(reason) === 'LEVEL_LOCKED'
        ? `${path} is in use by another process. Stop it first.`
        : `The DynamoDB engine cannot open ${path} (${codeOf(reason)}). Delete it: the records are lost.`,
    )
  }
}

/** A client of an engine that wants credentials but checks none. */
export function localDynamoDbClient(endpoint: string, config: DynamoDBClientConfig = {}): DynamoDB {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  return new DynamoDB({ endpoint, region: 'local', credentials, ...config })
}

/**
 * A client of the running local world, with the access key id from `world.json`. It tries as often as in Lambda, for
 * twice as long: here everything shares one machine. `attempt`: milliseconds.
 */
export function worldDynamoDbClient(
  { dynamodb, dynamodb_access_key_id }: Pick<WorldFile, 'dynamodb' | 'dynamodb_access_key_id'>,
  attempt = 2 * times.dynamodb,
): DynamoDB {
  const credentials = { accessKeyId: dynamodb_access_key_id, secretAccessKey: 'local' }
  return localDynamoDbClient(dynamodb, { credentials, ...sdkAttempts(attempt), maxAttempts: 3 })
}

/**
 * Makes the one table as the stack does, but for its time to live: no local engine deletes what has expired, and
 * nobody relies on it (law 10). False when there was a table already.
 */
export async function createTable(client: DynamoDB, TableName: string): Promise<boolean> {
  const { key, due } = tableShape
  try {
    await client.createTable({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: key, AttributeType: 'S' },
        { AttributeName: due.partition, AttributeType: 'N' },
        { AttributeName: due.sort, AttributeType: 'N' },
      ],
      KeySchema: [{ AttributeName: key, KeyType: 'HASH' }],
      GlobalSecondaryIndexes: [
        {
          IndexName: due.name,
          KeySchema: [
            { AttributeName: due.partition, KeyType: 'HASH' },
            { AttributeName: due.sort, KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    })
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceInUseException') return false
    throw error
  }
  // Dynalite answers before the table can be used, and writes that down later.
  while ((await client.describeTable({ TableName })).Table?.TableStatus !== 'ACTIVE') {}
  return true
}
