import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import {
  DescribeTableCommand,
  type DynamoDB,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTable, localDynamoDbClient, startDynamoDb } from '../../../infra/local/dynamodb.ts'
import { startDynamoDbFaults } from '../../../infra/local/dynamodb-faults.ts'
import { engines, startDynamoDb as startEngine } from '../../dynamodb.ts'

const TableName = 'records'

let folder: string
let ends: (() => unknown)[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dynamodb-'))
  ends = [() => rm(folder, { recursive: true })]
})

afterEach(async () => {
  for (const end of ends.reverse()) await end()
})

function clientOf({ endpoint, close }: { endpoint: string; close(): Promise<void> }): DynamoDB {
  const client = localDynamoDbClient(endpoint, { maxAttempts: 1 })
  ends.push(close, () => client.destroy())
  return client
}

/** The local world's, behind the only way to it. */
async function start(path: string) {
  const engine = await startDynamoDb(path)
  const faults = await startDynamoDbFaults({ endpoint: engine.socket })
  ends.push(engine.close)
  return { engine, client: clientOf(faults) }
}

describe.each(engines)('%s', (engine) => {
  it('has the table as it is defined', async () => {
    const client = clientOf(await startEngine({ engine }))
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
    const client = clientOf(await startEngine({ engine }))
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
})

describe('the engine of the local world', () => {
  it('keeps the table between runs', async () => {
    const first = await start(join(folder, 'kept'))
    expect(await createTable(first.client, TableName)).toBe(true)
    await first.client.send(new PutItemCommand({ TableName, Item: { item: { S: 'settings' } } }))
    await first.engine.close()

    const second = await start(join(folder, 'kept'))
    expect(await createTable(second.client, TableName)).toBe(false)
    const { Item } = await second.client.send(
      new GetItemCommand({ TableName, Key: { item: { S: 'settings' } } }),
    )
    expect(Item).toEqual({ item: { S: 'settings' } })
  })

  it('answers what it was asked before it closes', async () => {
    const { engine, client } = await start(join(folder, 'kept'))
    await createTable(client, TableName)
    const writes = Array.from({ length: 40 }, (_, n) => {
      const Item = { item: { S: `user#${n}` }, status: { S: 'active'.repeat(1000) } }
      return client.send(new PutItemCommand({ TableName, Item }))
    })
    await Promise.race(writes)
    await engine.close()
    const ended = await Promise.allSettled(writes)
    expect(ended.filter(({ status }) => status === 'rejected')).toEqual([])
  })

  it('listens in a folder of its owner’s', async () => {
    const { engine } = await start(join(folder, 'kept'))
    expect(engine.socket).toBe(join(folder, 'kept', 'socket'))
    expect((await stat(join(folder, 'kept'))).mode & 0o777).toBe(0o700)
    const socket = await stat(engine.socket)
    expect([socket.isSocket(), socket.mode & 0o777]).toEqual([true, 0o600])
  })

  it.each([107, 108])('listens elsewhere when the socket’s path is too long: %i bytes', async (bytes) => {
    const deep = join(folder, 'ü'.padEnd(bytes - join(folder, '', 'socket').length - 2, 'x'))
    const path = join(deep, 'socket')
    expect(Buffer.byteLength(path)).toBe(bytes)
    const { engine, client } = await start(deep)
    expect(await createTable(client, TableName)).toBe(true)
    expect(engine.socket === path).toBe(bytes <= 107)
    const where = dirname(engine.socket)
    expect((await stat(where)).mode & 0o777).toBe(0o700)
    await engine.close()
    expect(await readdir(deep)).toEqual(['dynalite'])
    if (where !== deep) await expect(stat(where)).rejects.toThrow('ENOENT')
  })

  it('starts again where a killed one has left its socket, and what it had answered is there', async () => {
    const module = (name: string) =>
      JSON.stringify(new URL(`../../../infra/local/${name}.ts`, import.meta.url).href)
    const script = `
      const { createTable, localDynamoDbClient, startDynamoDb } = await import(${module('dynamodb')})
      const { startDynamoDbFaults } = await import(${module('dynamodb-faults')})
      const { socket } = await startDynamoDb(${JSON.stringify(folder)})
      const { endpoint } = await startDynamoDbFaults({ endpoint: socket })
      await createTable(localDynamoDbClient(endpoint), ${JSON.stringify(TableName)})
      console.log('made')`
    const killed = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(killed.stdout, 'data')
    killed.kill('SIGKILL')
    await once(killed, 'exit')
    expect(await readdir(folder)).toContain('socket')
    const { client } = await start(folder)
    expect(await createTable(client, TableName)).toBe(false)
  })

  it('is the only one that has the records open', async () => {
    const { client } = await start(folder)
    await createTable(client, TableName)
    await expect(startDynamoDb(folder)).rejects.toMatchObject({
      name: 'CliError',
      message: `${join(folder, 'dynalite')} is in use by another process. Stop it first.`,
    })
  })

  it('says what to delete when its data are damaged', async () => {
    await writeFile(join(folder, 'dynalite'), 'no folder')
    await expect(startDynamoDb(folder)).rejects.toMatchObject({
      name: 'CliError',
      message: expect.stringMatching(new RegExp(`${join(folder, 'dynalite')}.*elete`)),
    })
  })

  it('says what to do about something else in the place of the records', async () => {
    const path = join(folder, 'records')
    await writeFile(path, 'no folder')
    await expect(startDynamoDb(path)).rejects.toMatchObject({
      name: 'CliError',
      message: expect.stringContaining('Move away what is there'),
    })
  })
})
