import { readFileSync } from 'node:fs'
import { createServer as createPlainServer } from 'node:http'
import { Agent, createServer, request, type Server } from 'node:https'
import { text } from 'node:stream/consumers'
import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { itemGetter } from '../../../functions/table/get-item.ts'
import { vendingTable } from '../../../functions/table/table.ts'
import { grant, newUser } from '../../../functions/user.ts'
import { createTable, localDynamoDbClient } from '../../../infra/local/dynamodb.ts'
import { type DynamoDbFaults, type Rule, startDynamoDbFaults } from '../../../infra/local/dynamodb-faults.ts'
import { type DynamoDb, startDynamoDb } from '../../dynamodb.ts'
import { certificateFile } from '../../lambda/tls.ts'
import { listen, stopListening } from '../../loopback.ts'

const TableName = 'vending'
const input = (item: string) => ({ TableName, Key: { item: { S: item } }, ConsistentRead: true })
const pem = readFileSync(certificateFile)

let engine: DynamoDb
let front: DynamoDbFaults
const closing: (() => unknown)[] = []
beforeAll(async () => {
  engine = await startDynamoDb()
  front = await startDynamoDbFaults({ endpoint: engine.endpoint })
  await createTable(localDynamoDbClient(engine.endpoint), TableName)
})
beforeEach(() => front.faults.clear())
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})
afterAll(async () => {
  await front.close()
  await engine.close()
})

/** The client and the quick way, with one agent as in Lambda. */
function way(endpoint: string, { trusting = true, patience = 5000 } = {}) {
  const agent = new Agent({ keepAlive: true, ...(trusting && { ca: pem }) })
  const client = localDynamoDbClient(endpoint, { maxAttempts: 2, requestHandler: { httpsAgent: agent } })
  closing.push(() => client.destroy())
  return { client, getItem: itemGetter({ client, agent, clock: Date.now, patience }) }
}

/** TLS before the engine: how many connections were made, and who signed what. */
async function startTable(): Promise<{ url: string; connections: () => number; signed: string[] }> {
  const signed: string[] = []
  const server = createServer({ key: pem, cert: pem }, async (asked, response) => {
    signed.push(`${asked.headers['x-amz-target']} ${asked.headers.authorization}`)
    const passed = ['content-type', 'x-amz-target', 'x-amz-date', 'authorization']
    const headers = Object.fromEntries(passed.map((name) => [name, String(asked.headers[name])]))
    const answer = await fetch(engine.endpoint, { method: 'POST', headers, body: await text(asked) })
    response.writeHead(answer.status).end(await answer.text())
  })
  let connections = 0
  server.on('secureConnection', () => connections++)
  const { port } = new URL(await listening(server))
  return { url: `https://localhost:${port}`, connections: () => connections, signed }
}

async function listening(server: Server | ReturnType<typeof createPlainServer>): Promise<string> {
  closing.push(() => stopListening(server))
  return listen(server, 0, 'the table of this test')
}

describe('GetItem without the SDK', () => {
  it('reads what the SDK reads', async () => {
    const { client, getItem } = way(engine.endpoint)
    const Item = {
      item: { S: 'every kind' },
      text: { S: 'ü "quoted" \\ \n 👍 \u2028' },
      number: { N: '1800000000000' },
      set: { SS: ['a', 'b'] },
      list: { L: [{ M: { yes: { BOOL: true }, none: { NULL: true } } }] },
    }
    await client.send(new PutItemCommand({ TableName, Item }))
    const bySdk = await client.send(new GetItemCommand(input('every kind')))
    expect(bySdk.Item).toEqual(Item)
    expect(await getItem(input('every kind'))).toEqual({ Item })
    expect(await getItem(input('nothing there'))).toEqual({})
  })

  it('gives each of many who read at once their own', async () => {
    const { client, getItem } = way(engine.endpoint)
    const names = Array.from({ length: 100 }, (_, i) => `one of many ${i}`)
    for (const item of names)
      await client.send(new PutItemCommand({ TableName, Item: { item: { S: item }, own: { S: item } } }))
    const got = await Promise.all(names.map((item) => getItem(input(item))))
    expect(got.map((it) => it?.Item?.own?.S)).toEqual(names)
  })

  it('is made over TLS, on a connection that the SDK’s next write finds', async () => {
    const table = await startTable()
    const { client, getItem } = way(table.url)
    expect(await getItem(input('nothing there'))).toEqual({})
    await client.send(new PutItemCommand({ TableName, Item: { item: { S: 'written' } } }))
    expect(await getItem(input('written'))).toEqual({ Item: { item: { S: 'written' } } })
    expect(table.connections()).toBe(1)
    expect(table.signed).toEqual([
      expect.stringMatching(
        /^DynamoDB_20120810\.GetItem AWS4-HMAC-SHA256 Credential=local\/\d{8}\/local\/dynamodb\/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=[0-9a-f]{64}$/,
      ),
      expect.stringContaining('DynamoDB_20120810.PutItem '),
      expect.stringContaining('DynamoDB_20120810.GetItem '),
    ])
  })

  it('asks nobody whose certificate nobody vouches for', async () => {
    const table = await startTable()
    const { getItem } = way(table.url, { trusting: false })
    expect(await getItem(input('nothing there'))).toBeUndefined()
    expect(table.signed).toEqual([])
  })

  it.each<Rule>([
    { kind: 'throttled' },
    { kind: 'failed', status: 500 },
    { kind: 'reset' },
    { kind: 'silence' },
    { kind: 'answer_lost', how: 'reset' },
    { kind: 'answer_lost', how: 'stall' },
  ])('leaves it to the SDK when there is no answer: %o', async (fault) => {
    const { client, getItem } = way(front.endpoint, { patience: 100 })
    const table = vendingTable({ client, tableName: TableName, getItem })
    const who = { owner: 'somebody', subject: 'main|x', iss: 'https://issuer.example', sub: 'x' }
    await table.compareAndSet(who.owner, undefined, grant(newUser(who, 0), ['account']))
    const before = front.counts.GetItem?.received ?? 0
    front.faults.add({ ...fault, times: 1 })
    expect((await table.readUser(who.owner))?.connected_account_ids).toEqual(['account'])
    expect(front.counts.GetItem?.received).toBe(before + 2)
    // And where the SDK has none either, it says what went wrong.
    if (fault.kind !== 'throttled') return
    front.faults.add(fault)
    await expect(table.readUser(who.owner)).rejects.toMatchObject({
      details: { reason: 'ThrottlingException' },
    })
  })

  it.each([
    [200, '<html>A page of whoever stands between</html>'],
    [503, '{"Item":{"item":{"S":"not the table’s"}}}'],
    [400, '{"__type":"com.amazonaws.dynamodb.v20120810#ExpiredTokenException"}'],
    [302, ''],
  ])('takes %i with %s for no answer', async (status, body) => {
    const server = createPlainServer((_, response) => {
      response.writeHead(status, { location: 'http://localhost/' }).end(body)
    })
    const { getItem } = way(await listening(server))
    expect(await getItem(input('nothing there'))).toBeUndefined()
  })

  it('takes nothing for an answer that was cut off', async () => {
    const server = createPlainServer((_, response) => {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('{}', () => response.destroy())
    })
    const { getItem } = way(await listening(server))
    expect(await getItem(input('nothing there'))).toBeUndefined()
  })

  it('does not wait longer for a connection than for an answer', async () => {
    const server = createServer({ key: pem, cert: pem }, () => {})
    const { port } = new URL(await listening(server))
    const agent = new Agent({ ca: pem, maxSockets: 1 })
    const client = localDynamoDbClient(`https://localhost:${port}`)
    const getItem = itemGetter({ client, agent, clock: Date.now, patience: 100 })
    const occupied = request({ agent, port, host: 'localhost' })
    occupied.on('error', () => {})
    occupied.end()
    expect(await getItem(input('nothing there'))).toBeUndefined()
    expect(occupied.destroyed).toBe(false)
    occupied.destroy()
  })

  it('takes the credentials that the client has now', async () => {
    const table = await startTable()
    const agent = new Agent({ ca: pem })
    let accessKeyId = 'FIRST'
    const client = localDynamoDbClient(table.url, {
      credentials: async () => ({
        accessKeyId,
        secretAccessKey: 'x',
        sessionToken: 'y',
        expiration: new Date(0),
      }),
    })
    const getItem = itemGetter({ client, agent, clock: Date.now, patience: 5000 })
    await getItem(input('nothing there'))
    accessKeyId = 'SECOND'
    await getItem(input('nothing there'))
    expect(table.signed).toEqual([
      expect.stringContaining('Credential=FIRST/'),
      expect.stringContaining('Credential=SECOND/'),
    ])
  })

  it('leaves it to the SDK to say that there are no credentials, or no region', async () => {
    const agent = new Agent()
    const refused = () => Promise.reject(new Error('none here'))
    const endpoint = front.endpoint
    for (const lacking of [{ credentials: refused }, { region: refused }]) {
      const client = localDynamoDbClient(endpoint, lacking)
      const getItem = itemGetter({ client, agent, clock: Date.now, patience: 5000 })
      expect(await getItem(input('nothing there'))).toBeUndefined()
      await expect(client.send(new GetItemCommand(input('nothing there')))).rejects.toThrow('none here')
    }
  })

  it('leaves it all to a client that finds its endpoint anew for each request', async () => {
    const client = localDynamoDbClient(front.endpoint)
    delete client.config.endpoint
    const before = front.counts.GetItem?.received ?? 0
    const getItem = itemGetter({ client, agent: new Agent(), clock: Date.now, patience: 5000 })
    expect(await getItem(input('nothing there'))).toBeUndefined()
    expect(front.counts.GetItem?.received ?? 0).toBe(before)
  })
})
