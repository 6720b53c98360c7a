import { spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import {
  CreateTableCommand,
  DynamoDBClient,
  type DynamoDBClientConfig,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import { tableShape } from '../../functions/table/shape.ts'
import { listen, stopListening } from './loopback.ts'
import { codeOf, Trouble } from './trouble.ts'

/** `dynoxide` is a program of its own for Linux on x64; `dynalite` runs in this process, everywhere. */
export type Engine = 'dynoxide' | 'dynalite'

export interface DynamoDb {
  /** Base URL. */
  endpoint: string
  engine: Engine
  /** Rejects with a `Trouble` when the engine ends by itself; never resolves. */
  failure: Promise<never>
  close(): Promise<void>
}

export interface DynamoDbOptions {
  /** The folder that keeps the tables; absent: only in memory. */
  path?: string
  /** Absent: `dynoxide` where it is installed. */
  engine?: Engine
}

const require = createRequire(import.meta.url)

/** @throws Trouble */
export async function startDynamoDb({ path, engine }: DynamoDbOptions = {}): Promise<DynamoDb> {
  if (path !== undefined)
    await mkdir(path, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw new Trouble(
        `${path} cannot be the folder of the records (${codeOf(error)}). Move away what is there.`,
      )
    })
  const program = engine === 'dynalite' ? undefined : installed('@dynoxide/linux-x64/dynoxide')
  if (program !== undefined) return startDynoxide(program, path && join(path, 'dynoxide.db'))
  if (engine !== 'dynoxide' && installed('dynalite') !== undefined)
    return startDynalite(path && join(path, 'dynalite'))
  throw new Trouble(
    `There is no DynamoDB engine: neither @dynoxide/linux-x64 nor dynalite is installed. Run "npm ci" without --omit.`,
  )
}

/** A client of a local engine, which asks for credentials but looks at none. */
export function localDynamoDbClient(endpoint: string, config: DynamoDBClientConfig = {}): DynamoDBClient {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  return new DynamoDBClient({ endpoint, region: 'local', credentials, ...config })
}

/** Makes the one table as the stack does, as far as the engine can; false when there was one already. */
export async function createTable(client: DynamoDBClient, tableName: string): Promise<boolean> {
  const { key, ttl, due } = tableShape
  try {
    await client.send(
      new CreateTableCommand({
        TableName: tableName,
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
      }),
    )
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceInUseException') return false
    throw error
  }
  await client
    .send(
      new UpdateTimeToLiveCommand({
        TableName: tableName,
        TimeToLiveSpecification: { AttributeName: ttl, Enabled: true },
      }),
    )
    // Dynalite does not know the call. Neither engine deletes what has expired, and nobody relies on it (law 10).
    .catch((error: unknown) => {
      if (!(error instanceof Error) || error.name !== 'UnknownOperationException') throw error
    })
  return true
}

function installed(module: string): string | undefined {
  try {
    return require.resolve(module)
  } catch {
    return undefined
  }
}

/**
 * Runs the engine as `exec`ed by a shell that leaves a guard behind: the guard reads our end of a pipe, which the
 * system closes however we end, and then kills the engine. So not even a killed world leaves one running.
 */
const guarded = `umask 077
exec 3<&0
(cat <&3; kill -9 $$) >/dev/null 2>&1 &
exec "$@" 3<&- </dev/null`

async function startDynoxide(program: string, file: string | undefined): Promise<DynamoDb> {
  for (let attempt = 1; ; attempt++) {
    const started = await tryDynoxide(program, file, await freePort())
    if (typeof started === 'object') return started
    if (attempt < 5 && started.includes('already in use')) continue
    const advice = file === undefined ? '' : ` If ${file} is damaged, delete it: the records are lost.`
    throw new Trouble(`The DynamoDB engine did not start: ${started}.${advice}`)
  }
}

/** What the engine complained of, when it did not start. */
async function tryDynoxide(
  program: string,
  file: string | undefined,
  port: number,
): Promise<DynamoDb | string> {
  const flags = ['serve', '--host', '127.0.0.1', '--port', String(port)]
  const child = spawn(
    '/bin/sh',
    ['-c', guarded, 'sh', program, ...flags, ...(file === undefined ? [] : ['--db-path', file])],
    // In a process group of its own, so that Ctrl-C reaches us alone and we end the engine last.
    { detached: true, stdio: ['pipe', 'ignore', 'pipe'] },
  )
  child.stdin.on('error', () => {})
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  }).then(() => child.stdin.destroy())

  let said = ''
  const up = new Promise<'up'>((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(-2000)
      if (said.includes(`listening on http://127.0.0.1:${port}`)) resolve('up')
    })
  })
  if ((await Promise.race([up, ended])) !== 'up')
    return said.trim().replace(/^error: /, '') || 'it gave no reason'

  let closing = false
  const failure = ended.then((): never | Promise<never> => {
    if (closing) return new Promise<never>(() => {})
    throw new Trouble('The DynamoDB engine ended by itself. Start again; its data are kept.')
  })
  failure.catch(() => {})
  return {
    endpoint: `http://127.0.0.1:${port}`,
    engine: 'dynoxide',
    failure,
    async close() {
      closing = true
      child.kill('SIGTERM')
      await ended
    },
  }
}

async function startDynalite(path: string | undefined): Promise<DynamoDb> {
  const dynalite: (options: { path?: string; createTableMs: number }) => Server = require('dynalite')
  if (path !== undefined) await checkStore(path)
  const server = dynalite({ ...(path !== undefined && { path }), createTableMs: 0 })
  const endpoint = await listen(server, 0, 'the DynamoDB engine')
  return {
    endpoint,
    engine: 'dynalite',
    failure: new Promise<never>(() => {}),
    close: () => stopListening(server),
  }
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
    throw new Trouble(
      codeOf(reason) === 'LEVEL_LOCKED'
        ? `${path} is in use by another process. Stop it first.`
        : `The DynamoDB engine cannot open ${path} (${codeOf(reason)}). Delete it: the records are lost.`,
    )
  }
}

/** Dynoxide does not tell which port it chose. Another program may be quicker: then it says so, and we try again. */
async function freePort(): Promise<number> {
  const server = createServer()
  const url = await listen(server, 0, 'the DynamoDB engine')
  await stopListening(server)
  return Number(new URL(url).port)
}
