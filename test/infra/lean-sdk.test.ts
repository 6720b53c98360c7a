import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { build } from 'esbuild'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { tablePatience } from '../../functions/clients.ts'
import { times } from '../../functions/times.ts'
import { leanSdk } from '../../infra/lean-sdk.ts'
import { createTable, localDynamoDbClient } from '../../infra/local/dynamodb.ts'
import { type DynamoDbFaults, startDynamoDbFaults } from '../../infra/local/dynamodb-faults.ts'
import { type DynamoDb, startDynamoDb } from '../dynamodb.ts'
import { listen, stopListening } from '../loopback.ts'

const TableName = 'lean-sdk'
const folder = mkdtempSync(join(tmpdir(), 'lean-sdk-'))
let engine: DynamoDb
let front: DynamoDbFaults
let secretsManager: Server
/** Headers and body of what Secrets Manager was asked. */
let asked: { authorization: string; body: string } | undefined
let sdk: typeof import('@aws-sdk/client-dynamodb') & typeof import('@aws-sdk/client-secrets-manager')

const answers: Record<string, { status: number; headers?: Record<string, string>; body: string }> = {
  known: { status: 200, body: '{"SecretString":"value"}' },
  plain: { status: 400, body: '{"__type":"ResourceNotFoundException","Message":"no"}' },
  spaced: { status: 400, body: '{"__type":"com.amazonaws.secretsmanager#ResourceNotFoundException"}' },
  inHeader: {
    status: 400,
    headers: { 'x-amzn-errortype': 'ResourceNotFoundException:https://internal.example/' },
    body: '{}',
  },
  page: { status: 503, body: '<html>no</html>' },
}

beforeAll(async () => {
  engine = await startDynamoDb()
  front = await startDynamoDbFaults({ endpoint: engine.endpoint })
  secretsManager = createServer(async (request, response) => {
    asked = { authorization: String(request.headers.authorization), body: await text(request) }
    const answer = answers[JSON.parse(asked.body).SecretId]
    response.writeHead(answer?.status ?? 400, answer?.headers).end(answer?.body)
  })
  const client = localDynamoDbClient(engine.endpoint)
  await createTable(client, TableName)
  client.destroy()

  const outfile = join(folder, 'sdk.mjs')
  await build({
    stdin: {
      contents:
        "export * from '@aws-sdk/client-dynamodb'; export { SecretsManagerClient, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager'",
      resolveDir: import.meta.dirname,
    },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    plugins: [leanSdk],
  })
  Object.assign(process.env, {
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_SESSION_TOKEN: 'session',
    AWS_ENDPOINT_URL_DYNAMODB: front.endpoint,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: await listen(secretsManager, 0, 'Secrets Manager'),
  })
  sdk = await import(outfile)
})
afterAll(async () => {
  await stopListening(secretsManager)
  await front.close()
  await engine.close()
  rmSync(folder, { recursive: true })
})
beforeEach(() => front.faults.clear())

const dynamoDb = () => new sdk.DynamoDBClient(tablePatience(times))
const put = (item: string) =>
  dynamoDb().send(
    new sdk.PutItemCommand({
      TableName,
      Item: { item: { S: item }, wealth: { N: '7' } },
      ConditionExpression: 'attribute_not_exists(wealth)',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    }),
  )
const get = (item: string) =>
  dynamoDb().send(new sdk.GetItemCommand({ TableName, Key: { item: { S: item } } }))

describe('the AWS SDK as it is bundled', () => {
  it('reads and writes', async () => {
    await put('one')
    expect((await get('one')).Item).toEqual({ item: { S: 'one' }, wealth: { N: '7' } })
  })

  it('says by its name why a write was refused, and what was there instead', async () => {
    await put('two')
    await expect(put('two')).rejects.toMatchObject({
      name: 'ConditionalCheckFailedException',
      Item: { item: { S: 'two' }, wealth: { N: '7' } },
    })
  })

  it.each([
    [{ kind: 'throttled' } as const, 'ThrottlingException'],
    [{ kind: 'failed', status: 500 } as const, 'InternalServerError'],
    [{ kind: 'silence' } as const, 'TimeoutError'],
    [{ kind: 'reset' } as const, 'TimeoutError'],
    [{ kind: 'answer_lost', how: 'stall' } as const, 'TimeoutError'],
  ])('tries a second time, and no third: %o', async (fault, name) => {
    front.faults.add({ ...fault, times: 1 })
    await get('three')
    front.faults.clear()
    front.faults.add(fault)
    const before = front.counts.GetItem?.received ?? 0
    await expect(get('three')).rejects.toMatchObject({ name })
    expect(front.counts.GetItem?.received).toBe(before + 2)
  })

  it('signs for the region and the service, with the role’s session', async () => {
    const client = new sdk.SecretsManagerClient({ maxAttempts: 1 })
    const { SecretString } = await client.send(new sdk.GetSecretValueCommand({ SecretId: 'known' }))
    expect(SecretString).toBe('value')
    expect(asked?.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/secretsmanager\/aws4_request, SignedHeaders=.*x-amz-security-token/,
    )
  })

  it.each([
    ['plain', { name: 'ResourceNotFoundException', $fault: 'client', $metadata: { attempts: 1 } }],
    ['spaced', { name: 'ResourceNotFoundException', $fault: 'client', $metadata: { attempts: 1 } }],
    ['inHeader', { name: 'ResourceNotFoundException', $fault: 'client', $metadata: { attempts: 1 } }],
    ['page', { name: 'Unknown', $fault: 'server', $metadata: { httpStatusCode: 503, attempts: 2 } }],
  ])(
    'names an error wherever its name stands, and tries an outage once more: %s',
    async (SecretId, error) => {
      const client = new sdk.SecretsManagerClient({ maxAttempts: 2 })
      await expect(client.send(new sdk.GetSecretValueCommand({ SecretId }))).rejects.toMatchObject(error)
    },
  )

  it.each([
    ['eu-central-1', 'https://dynamodb.eu-central-1.amazonaws.com'],
    ['us-gov-west-1', 'https://dynamodb.us-gov-west-1.amazonaws.com'],
    ['cn-north-1', 'https://dynamodb.cn-north-1.amazonaws.com.cn'],
    ['eusc-de-east-1', 'https://dynamodb.eusc-de-east-1.amazonaws.eu'],
  ])('knows where the table is in %s', async (region, endpoint) => {
    const { AWS_REGION, AWS_ENDPOINT_URL_DYNAMODB, ...others } = process.env
    process.env = { ...others, AWS_REGION: region }
    const { config } = dynamoDb()
    process.env = { ...others, AWS_REGION, AWS_ENDPOINT_URL_DYNAMODB }
    const { protocol, hostname } = (await config.endpoint?.()) ?? {}
    expect(`${protocol}//${hostname}`).toBe(endpoint)
  })
})
