import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { describe, expect, it, onTestFinished } from 'vitest'
import { dynamoDb } from '../../../functions/aws/dynamodb.ts'
import { certificateFile } from '../../lambda/tls.ts'
import { listen, stopListening } from '../../loopback.ts'
import { type Answer, cutOff, inLambda, json, refusal, reset, silence, startScripted } from './scripted.ts'

/** The signed POST and, for whatever is not answered plainly, the real SDK behind it. */

const input = { TableName: 'vending', Key: { item: { S: 'user#somebody' } }, ConsistentRead: true }
const Item = { item: { S: 'user#somebody' } }
const found = json(200, { Item })
const put = {
  TableName: 'vending',
  Item,
  ConditionExpression: 'attribute_not_exists(revision)',
  ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
}

async function startTable(answer: Answer = found, { attempt = 5000, environment = {} } = {}) {
  const table = await startScripted(answer)
  const lambda = inLambda({ AWS_ENDPOINT_URL_DYNAMODB: table.url, ...environment })
  return { table, client: dynamoDb(lambda.deps, attempt), ...lambda }
}

describe('a plain answer', () => {
  it('is taken, and the SDK is left alone', async () => {
    const { table, client, toSdk } = await startTable()
    expect(await client.getItem(input)).toEqual({ Item })
    table.answer = json(200, { Attributes: Item })
    expect(await client.updateItem({ TableName: 'vending', Key: Item })).toEqual({ Attributes: Item })
    table.answer = json(200, {})
    expect(await client.putItem(put)).toEqual({})
    expect(table.asked.map(({ operation, viaSdk }) => [operation, viaSdk])).toEqual(
      ['GetItem', 'UpdateItem', 'PutItem'].map((operation) => [operation, false]),
    )
    expect(JSON.parse(table.asked[2]?.body ?? '')).toEqual(put)
    expect(table.asked[0]?.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDROLE\/\d{8}\/eu-central-1\/dynamodb\/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=[0-9a-f]{64}$/,
    )
    expect(toSdk).toEqual([])
  })

  it('may be that a condition does not hold, with what is there or without', async () => {
    const { table, client, toSdk } = await startTable()
    table.next = [
      refusal('ConditionalCheckFailedException', { Item }),
      refusal('ConditionalCheckFailedException'),
    ]
    const told = await client.putItem(put).catch((error: unknown) => error)
    expect(told).toMatchObject({ name: 'ConditionalCheckFailedException', Item })
    const untold = await client.putItem(put).catch((error: unknown) => error)
    expect(untold).toMatchObject({ name: 'ConditionalCheckFailedException' })
    expect(untold).not.toHaveProperty('Item')
    expect([table.asked.length, toSdk]).toEqual([2, []])
  })

  it('goes to who asked for it, however many ask at once', async () => {
    const { table, client } = await startTable()
    table.answer = (response, request) => {
      // Called as soon as its request was noted.
      const { Key } = JSON.parse(table.asked.at(-1)?.body ?? '')
      json(200, { Item: { own: Key.item } })(response, request)
    }
    const names = Array.from({ length: 100 }, (_, i) => `one of many ${i}`)
    const got = await Promise.all(
      names.map((S) => client.getItem({ TableName: 'vending', Key: { item: { S } } })),
    )
    expect(got.map((it) => it.Item?.own?.S)).toEqual(names)
  })
})

const refused: [string, Answer][] = [
  ['throttled', refusal('ThrottlingException')],
  ['throttled by the table’s own limit', refusal('ProvisionedThroughputExceededException')],
  ['a 500', json(500, { __type: 'com.amazonaws.dynamodb.v20120810#InternalServerError' })],
  ['a 503 with a page', json(503, '<html>unavailable</html>')],
  ['credentials that have expired', refusal('ExpiredTokenException')],
  ['a signature that is refused', refusal('InvalidSignatureException')],
  ['a 302', json(302, '', { location: 'http://localhost/' })],
  ['no JSON', json(200, '<html>A page of whoever stands between</html>')],
  ['no JSON object', json(200, '[]')],
  ['null', json(200, 'null')],
  ['a 500 that names a condition', json(500, { __type: 'x#ConditionalCheckFailedException' })],
]

describe('no plain answer', () => {
  it.each(refused)('sends to the SDK: %s', async (_, answer) => {
    const { table, client, toSdk } = await startTable()
    table.next = [answer]
    expect(await client.getItem(input)).toMatchObject({ Item })
    expect(table.asked.map(({ viaSdk }) => viaSdk)).toEqual([false, true])
    expect(toSdk).toEqual(['refused'])
  })

  it.each([
    ['a reset', reset],
    ['an answer that was cut off', cutOff],
  ] as [string, Answer][])('sends to the SDK, and only this once: %s', async (_, answer) => {
    const { table, client, toSdk } = await startTable()
    table.next = [answer]
    expect(await client.getItem(input)).toMatchObject({ Item })
    await client.getItem(input)
    expect(table.asked.map(({ viaSdk }) => viaSdk)).toEqual([false, true, false])
    expect(toSdk).toEqual(['no_answer'])
  })

  it('sends to the SDK after a silence, and only this once', async () => {
    const { table, client, toSdk } = await startTable(found, { attempt: 500 })
    table.next = [silence]
    expect(await client.getItem(input)).toMatchObject({ Item })
    await client.getItem(input)
    expect(table.asked.map(({ viaSdk }) => viaSdk)).toEqual([false, true, false])
    expect(toSdk).toEqual(['no_answer'])
  })

  it('leaves everything to the SDK for ten seconds, for one service', async () => {
    const { table, client, toSdk, advance } = await startTable()
    table.next = [refusal('ThrottlingException')]
    await client.getItem(input)
    advance(9_999)
    await client.getItem(input)
    advance(1)
    await client.getItem(input)
    expect(table.asked.map(({ viaSdk }) => viaSdk)).toEqual([false, true, true, false])
    expect(toSdk).toEqual(['refused', 'refused'])
  })

  it('leaves the SDK’s names to the errors', async () => {
    const { table, client, advance } = await startTable()
    const names = [
      'ThrottlingException',
      'ExpiredTokenException',
      'ResourceNotFoundException',
      'AnyException',
    ]
    for (const name of names) {
      table.answer = refusal(name)
      await expect(client.getItem(input)).rejects.toMatchObject({ name })
      advance(10_000)
    }
    table.answer = refusal('ConditionalCheckFailedException', { Item })
    // Also in the ten seconds in which the SDK answers it.
    table.next = [refusal('ThrottlingException')]
    await expect(client.putItem(put)).rejects.toMatchObject({ name: 'ConditionalCheckFailedException', Item })
  })

  it('is a time-out by name when there never is an answer', async () => {
    const { table, client } = await startTable(silence, { attempt: 100 })
    await expect(client.getItem(input)).rejects.toMatchObject({ name: 'TimeoutError' })
    expect(table.asked.map(({ viaSdk }) => viaSdk)).toEqual([false, true, true])
  })

  it('is repeated with the right time when our clock is wrong, by the SDK', async () => {
    const { table, client } = await startTable()
    const theirs = () => Date.now() + 3_600_000
    table.answer = (response, request) => {
      const signed = String(request.headers['x-amz-date']).replace(/^(....)(..)(..T..)(..)/, '$1-$2-$3:$4:')
      const date = { date: new Date(theirs()).toUTCString() }
      const isInTime = Math.abs(Date.parse(signed) - theirs()) < 300_000
      const tooEarly = { __type: 'com.amazon.coral.service#InvalidSignatureException', message: 'expired' }
      json(isInTime ? 200 : 400, isInTime ? { Item } : tooEarly, date)(response, request)
    }
    expect(await client.getItem(input)).toMatchObject({ Item })
    expect(table.asked.map(({ viaSdk }) => viaSdk)).toEqual([false, true, true])
  })
})

describe('connections', () => {
  it('are kept, and dropped when one of them does not answer', async () => {
    const { table, client, toSdk } = await startTable(found, { attempt: 500 })
    await Promise.all([client.getItem(input), client.getItem(input), client.getItem(input)])
    const pooled = Math.max(...table.asked.map(({ connection }) => connection))
    expect(pooled).toBe(3)
    await client.getItem(input)
    expect(table.asked.at(-1)?.connection).toBeLessThanOrEqual(pooled)

    // From here on nobody hears what is sent on these three.
    table.answer = (response, request) => {
      const { connection = 0 } = table.asked.at(-1) ?? {}
      if (connection > pooled) found(response, request)
    }
    expect(await client.getItem(input)).toMatchObject({ Item })
    expect(await client.getItem(input)).toMatchObject({ Item })
    expect(table.asked.slice(-3).map(({ viaSdk }) => viaSdk)).toEqual([false, true, false])
    expect(toSdk).toEqual(['no_answer'])
  })

  it('are not trusted after twenty seconds without use: the process may have been frozen', async () => {
    const { table, client, advance } = await startTable()
    await client.getItem(input)
    await client.getItem(input)
    advance(20_001)
    await client.getItem(input)
    expect(table.asked.map(({ connection }) => connection)).toEqual([1, 1, 2])
  })

  it('are made to nobody whose certificate nobody vouches for', async () => {
    const pem = readFileSync(certificateFile)
    let asked = 0
    const server = createServer({ key: pem, cert: pem }, () => {
      asked += 1
    })
    const { port } = new URL(await listen(server, 0, 'a stranger'))
    onTestFinished(() => stopListening(server))
    const { deps, toSdk } = inLambda({ AWS_ENDPOINT_URL_DYNAMODB: `https://localhost:${port}` })
    await expect(dynamoDb(deps, 5000).getItem(input)).rejects.toThrow(/certificate/)
    expect([asked, toSdk]).toEqual([0, ['no_answer']])
  })
})

it('signs with the credentials that there are at the moment', async () => {
  const { table, client } = await startTable()
  await client.getItem(input)
  process.env.AWS_ACCESS_KEY_ID = 'AKIDOTHER'
  await client.getItem(input)
  expect(table.asked.map(({ authorization }) => /Credential=(\w+)/.exec(authorization)?.[1])).toEqual([
    'AKIDROLE',
    'AKIDOTHER',
  ])
})

it('leaves everything to the SDK when something unusual is set', async () => {
  const { table, client, toSdk, advance } = await startTable(found, {
    environment: { AWS_USE_FIPS_ENDPOINT: 'false' },
  })
  await client.getItem(input)
  await client.getItem(input)
  advance(20_001)
  await client.getItem(input)
  expect(table.asked.map(({ viaSdk, connection }) => [viaSdk, connection])).toEqual([
    [true, 1],
    [true, 1],
    [true, 2],
  ])
  expect(toSdk).toEqual(['setting', 'setting', 'setting'])
})
