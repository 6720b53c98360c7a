import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  DescribeTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createTable,
  type DynamoDb,
  type DynamoDbOptions,
  type Engine,
  localDynamoDbClient,
  startDynamoDb,
} from '../../../infra/local/dynamodb.ts'

const engines: Engine[] =
  process.platform === 'linux' && process.arch === 'x64' ? ['dynoxide', 'dynalite'] : ['dynalite']
const TableName = 'records'

let folder: string
let running: DynamoDb[]
let clients: DynamoDBClient[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dynamodb-'))
  running = []
  clients = []
})

afterEach(async () => {
  for (const client of clients) client.destroy()
  for (const engine of running) await engine.close()
  await rm(folder, { recursive: true })
})

async function start(options: DynamoDbOptions) {
  const engine = await startDynamoDb(options)
  running.push(engine)
  const client = localDynamoDbClient(engine.endpoint, { maxAttempts: 1 })
  clients.push(client)
  return { engine, client }
}

describe.each(engines)('%s', (engine) => {
  it('is the one that was asked for, on this machine alone', async () => {
    const { engine: started } = await start({ engine })
    expect(started.engine).toBe(engine)
    expect(new URL(started.endpoint).hostname).toBe('127.0.0.1')
  })

  it('has the table as it is defined', async () => {
    const { client } = await start({ engine })
    expect(await createTable(client, TableName)).toBe(true)
    const { Table } = await client.send(new DescribeTableCommand({ TableName }))
    expect(Table).toMatchObject({
      TableStatus: 'ACTIVE',
      KeySchema: [{ AttributeName: 'item', KeyType: 'HASH' }],
    })
    expect(Table?.AttributeDefinitions).toHaveLength(3)
    expect(Table?.AttributeDefinitions).toEqual(
      expect.arrayContaining([
        { AttributeName: 'item', AttributeType: 'S' },
        { AttributeName: 'due_shard', AttributeType: 'N' },
        { AttributeName: 'due_at', AttributeType: 'N' },
      ]),
    )
    expect(Table?.GlobalSecondaryIndexes).toMatchObject([
      {
        IndexName: 'due',
        KeySchema: [
          { AttributeName: 'due_shard', KeyType: 'HASH' },
          { AttributeName: 'due_at', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ])
  })

  it('lists in the index only what is due, keys alone, by number', async () => {
    const { client } = await start({ engine })
    await createTable(client, TableName)
    const put = (item: string, due?: { due_shard: string; due_at: string }) =>
      client.send(
        new PutItemCommand({
          TableName,
          Item: {
            item: { S: item },
            status: { S: 'active' },
            ...(due && { due_shard: { N: due.due_shard }, due_at: { N: due.due_at } }),
          },
        }),
      )
    await put('user#never')
    await put('user#late', { due_shard: '3', due_at: '1000' })
    await put('user#early', { due_shard: '3', due_at: '999' })
    await put('user#elsewhere', { due_shard: '4', due_at: '1' })
    const { Items } = await client.send(
      new QueryCommand({
        TableName,
        IndexName: 'due',
        KeyConditionExpression: 'due_shard = :shard AND due_at <= :now',
        ExpressionAttributeValues: { ':shard': { N: '3' }, ':now': { N: '1000' } },
      }),
    )
    expect(Items).toEqual([
      { item: { S: 'user#early' }, due_shard: { N: '3' }, due_at: { N: '999' } },
      { item: { S: 'user#late' }, due_shard: { N: '3' }, due_at: { N: '1000' } },
    ])
  })

  it('keeps the table between runs, for its owner alone', async () => {
    const first = await start({ engine, path: join(folder, 'kept') })
    await createTable(first.client, TableName)
    await first.client.send(new PutItemCommand({ TableName, Item: { item: { S: 'settings' } } }))
    await first.engine.close()
    expect((await stat(join(folder, 'kept'))).mode & 0o777).toBe(0o700)

    const second = await start({ engine, path: join(folder, 'kept') })
    expect(await createTable(second.client, TableName)).toBe(false)
    const { Item } = await second.client.send(
      new GetItemCommand({ TableName, Key: { item: { S: 'settings' } } }),
    )
    expect(Item).toEqual({ item: { S: 'settings' } })
  })

  it('says what to delete when its data are damaged', async () => {
    const first = await start({ engine, path: folder })
    await createTable(first.client, TableName)
    await first.engine.close()
    const [kept = ''] = await readdir(folder)
    await rm(join(folder, kept), { recursive: true })
    await writeFile(join(folder, kept), 'neither a database nor a folder')
    await expect(start({ engine, path: folder })).rejects.toMatchObject({
      name: 'Trouble',
      message: expect.stringMatching(new RegExp(`${join(folder, kept)}.*elete`)),
    })
  })
})

describe.runIf(engines.includes('dynoxide'))('the engine that is a process of its own', () => {
  it('keeps its file readable by its owner alone', async () => {
    await start({ engine: 'dynoxide', path: folder })
    expect((await stat(join(folder, 'dynoxide.db'))).mode & 0o777).toBe(0o600)
  })

  it('dies with whoever started it, also when that one is killed', async () => {
    const module = new URL('../../../infra/local/dynamodb.ts', import.meta.url).href
    const script = `const { startDynamoDb } = await import(${JSON.stringify(module)})
      console.log((await startDynamoDb({ engine: 'dynoxide' })).endpoint)
      setInterval(() => {}, 1000)`
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = await once(parent.stdout, 'data')
    const endpoint = String(line).trim()
    expect((await fetch(endpoint)).status).toBeGreaterThan(0)
    parent.kill('SIGKILL')
    await once(parent, 'exit')
    await expect.poll(() => fetch(endpoint).catch(() => 'gone')).toBe('gone')
  })
})

it('says what to do about something else in the place of the records', async () => {
  const path = join(folder, 'records')
  await writeFile(path, 'no folder')
  await expect(startDynamoDb({ path })).rejects.toThrow(
    expect.objectContaining({ name: 'Trouble', message: expect.stringContaining('Move away what is there') }),
  )
})
