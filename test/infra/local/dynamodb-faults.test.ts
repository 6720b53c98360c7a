import {
  type DynamoDB,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTable, localDynamoDbClient } from '../../../infra/local/dynamodb.ts'
import { type DynamoDbFaults, startDynamoDbFaults } from '../../../infra/local/dynamodb-faults.ts'
import { type DynamoDb, startDynamoDb } from '../../dynamodb.ts'

const TableName = 'records'

let engine: DynamoDb
/** Past the fault layer, to see what was really done. */
let direct: DynamoDB
let layer: DynamoDbFaults
let client: DynamoDBClient
/** Gives up soon; a busy machine may be slower than that without any fault. */
let hasty: DynamoDBClient
let serial = 0
let item: string

beforeAll(async () => {
  engine = await startDynamoDb()
  direct = localDynamoDbClient(engine.endpoint)
  await createTable(direct, TableName)
})

afterAll(async () => {
  direct.destroy()
  await engine.close()
})

beforeEach(async () => {
  item = `user#${serial++}`
  layer = await startDynamoDbFaults({ endpoint: engine.endpoint })
  client = localDynamoDbClient(layer.endpoint, { maxAttempts: 1 })
  hasty = localDynamoDbClient(layer.endpoint, {
    maxAttempts: 1,
    requestHandler: { requestTimeout: 100, socketTimeout: 100, throwOnRequestTimeout: true },
  })
})

afterEach(async () => {
  client.destroy()
  hasty.destroy()
  await layer.close()
})

const put = (due_at?: number, by = client) =>
  by.send(
    new PutItemCommand({
      TableName,
      Item: {
        item: { S: item },
        ...(due_at !== undefined && { due_shard: { N: '0' }, due_at: { N: String(due_at) } }),
      },
    }),
  )
const get = (by: DynamoDBClient) =>
  by.send(new GetItemCommand({ TableName, Key: { item: { S: item } }, ConsistentRead: true }))
const isThere = async () => (await get(direct)).Item !== undefined

it('passes everything on without rules, and counts', async () => {
  await put()
  expect((await get(client)).Item).toEqual({ item: { S: item } })
  await get(client)
  expect(layer.counts).toEqual({
    PutItem: { received: 1, applied: 1 },
    GetItem: { received: 2, applied: 2 },
  })
  expect(layer.faults.delivered).toEqual({})
})

describe('a write that is not carried out', () => {
  it.each([
    [{ kind: 'throttled' }, 'ThrottlingException'],
    [
      { kind: 'throttled', error: 'ProvisionedThroughputExceededException' },
      'ProvisionedThroughputExceededException',
    ],
    [{ kind: 'throttled', error: 'RequestLimitExceeded' }, 'RequestLimitExceeded'],
    [{ kind: 'failed' }, 'InternalServerError'],
    [{ kind: 'failed', status: 503 }, 'InternalServerError'],
    // So the SDK calls a connection that breaks, too.
    [{ kind: 'reset' }, 'TimeoutError'],
    [{ kind: 'silence' }, 'TimeoutError'],
  ] as const)('%j: the SDK says %s', async (fault, name) => {
    layer.faults.add(fault)
    await expect(put(undefined, hasty)).rejects.toMatchObject({ name })
    expect(await isThere()).toBe(false)
    expect(layer.counts).toEqual({ PutItem: { received: 1, applied: 0 } })
    await expect.poll(() => layer.faults.delivered).toEqual({ [fault.kind]: 1 })
  })
})

describe('a write whose answer is lost', () => {
  it.each([
    ['reset', 'TimeoutError'],
    ['silence', 'TimeoutError'],
    ['stall', 'TimeoutError'],
    ['failed', 'InternalServerError'],
  ] as const)('by %s is carried out, and the SDK says %s', async (how, name) => {
    layer.faults.add({ kind: 'answer_lost', how })
    await expect(put(undefined, hasty)).rejects.toMatchObject({ name })
    expect(await isThere()).toBe(true)
    await expect.poll(() => layer.faults.delivered).toEqual({ answer_lost: 1 })
  })

  it('is refused by its own effect when it is repeated', async () => {
    layer.faults.add({ kind: 'answer_lost', times: 1 })
    const create = new PutItemCommand({
      TableName,
      Item: { item: { S: item } },
      ConditionExpression: 'attribute_not_exists(#item)',
      ExpressionAttributeNames: { '#item': 'item' },
    })
    await expect(client.send(create)).rejects.toThrow()
    await expect(client.send(create)).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' })
  })
})

it('carries a late write out after everybody has given up', async () => {
  layer.faults.add({ kind: 'late', ms: 300 })
  await expect(put(undefined, hasty)).rejects.toMatchObject({ name: 'TimeoutError' })
  expect(layer.faults.delivered).toEqual({ late: 1 })
  await expect.poll(isThere).toBe(true)
})

describe('a stale index', () => {
  const due = async (now: number) => {
    const { Items = [] } = await client.send(
      new QueryCommand({
        TableName,
        IndexName: 'due',
        KeyConditionExpression: '#shard = :shard AND #due <= :now',
        ExpressionAttributeNames: { '#shard': 'due_shard', '#due': 'due_at' },
        ExpressionAttributeValues: { ':shard': { N: '0' }, ':now': { N: String(now) } },
      }),
    )
    return Items.some((found) => found.item?.S === item)
  }

  it('misses what has just become due, and shows what is no longer', async () => {
    await put(10)
    layer.faults.add({ kind: 'stale_index' })
    expect(await due(20)).toBe(false)
    layer.faults.clear()
    expect(await due(30)).toBe(true)
    await put()
    layer.faults.add({ kind: 'stale_index' })
    expect(await due(40)).toBe(true)
    expect(layer.faults.delivered).toEqual({ stale_index: 2 })
    layer.faults.clear()
    expect(await due(50)).toBe(false)
  })

  it('leaves the table itself alone', async () => {
    await put(10)
    layer.faults.add({ kind: 'stale_index' })
    expect((await get(client)).Item).toBeDefined()
    expect(layer.faults.delivered).toEqual({})
  })
})

describe('a rule', () => {
  it('strikes the operations it names, as often as it says', async () => {
    layer.faults.add({ kind: 'failed', operations: ['GetItem'], times: 2 })
    await put()
    await expect(get(client)).rejects.toThrow()
    await expect(get(client)).rejects.toThrow()
    expect((await get(client)).Item).toBeDefined()
    expect(layer.counts.GetItem).toEqual({ received: 3, applied: 1 })
  })

  it('strikes a share of the requests, and a seed repeats which', async () => {
    const outcomes = async () => {
      layer.faults.plan({ seed: 7, faults: [{ kind: 'failed', share: 0.5 }] })
      const seen = []
      for (let n = 0; n < 40; n++)
        seen.push(
          await get(client).then(
            () => 'done',
            () => 'failed',
          ),
        )
      return seen
    }
    const first = await outcomes()
    expect(new Set(first)).toEqual(new Set(['done', 'failed']))
    expect(await outcomes()).toEqual(first)
  })
})

it('plans, adds, reads and clears rules for another process, by its control address', async () => {
  const controlled = await startDynamoDbFaults({ endpoint: engine.endpoint })
  const order = async (method: string, path: string, body?: unknown) => {
    const init = { method, ...(body !== undefined && { body: JSON.stringify(body) }) }
    const response = await fetch(`${controlled.control}${path}`, init)
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const through = localDynamoDbClient(controlled.endpoint, { maxAttempts: 1 })
  try {
    const throttled = { kind: 'throttled', operations: ['GetItem'], times: 1 }
    const reset = { kind: 'reset', operations: ['PutItem'] }
    await order('PUT', '/faults', { seed: 3, faults: [throttled] })
    expect((await order('POST', '/faults', reset)).body.faults).toEqual([throttled, reset])
    await expect(get(through)).rejects.toThrow('A fault on purpose.')
    expect((await order('GET', '/')).body).toEqual({
      faults: [reset],
      delivered: { throttled: 1 },
      counts: { GetItem: { received: 1, applied: 0 } },
    })
    expect((await order('POST', '/faults', { kind: 'earthquake' })).status).toBe(400)
    expect((await order('DELETE', '/faults')).body.faults).toEqual([])
    expect((await get(through)).$metadata.httpStatusCode).toBe(200)
  } finally {
    through.destroy()
    await controlled.close()
  }
})
