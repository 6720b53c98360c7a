import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { keptFor, type ReadSecret, secretReader } from '../../../functions/aws/secrets.ts'
import { type GetSecretValue, secretsManager } from '../../../functions/aws/secrets-manager.ts'
import { deadlineIn } from '../../../functions/http/deadline.ts'
import { times } from '../../../functions/times.ts'
import { listen, stopListening } from '../../loopback.ts'

let getSecretValue: GetSecretValue
/** What the secret is; undefined: it cannot be had. */
let stored: string | undefined
let reads = 0
let now = 0
let readSecret: ReadSecret

const server = createServer(async (request, response) => {
  await text(request)
  // The SDK makes two attempts at a reading.
  if (String(request.headers['amz-sdk-request']).startsWith('attempt=1')) reads++
  const [status, body] = stored === undefined ? [503, {}] : [200, { SecretString: stored }]
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body))
})

beforeAll(async () => {
  const environment = {
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'key',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_ENDPOINT_URL_SECRETS_MANAGER: await listen(server, 0, 'Secrets Manager'),
    // By the SDK alone, so that there is one way to count: `test/functions/aws/` has the other.
    AWS_USE_FIPS_ENDPOINT: 'false',
  }
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  getSecretValue = secretsManager({ environment, clock: () => now, noteSdk: () => {} })
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await stopListening(server)
})
beforeEach(() => {
  stored = 'first'
  reads = 0
  now = 1_700_000_000_000
  readSecret = secretReader({ getSecretValue, clock: () => now, times })
})

const read = ({ fresh = false } = {}) =>
  readSecret(
    'arn',
    { fresh },
    deadlineIn(times.vend, () => now),
  )

it('is read once by all who ask at once, and kept for five minutes', async () => {
  expect(await Promise.all([read(), read(), read()])).toEqual(['first', 'first', 'first'])
  stored = 'second'
  now += keptFor - 1
  expect(await read()).toBe('first')
  now += 1
  expect(await read()).toBe('second')
  expect(reads).toBe(2)
})

it('is read again at once when what was kept has been refused, and not without end', async () => {
  await read()
  now += 5000
  stored = 'second'
  expect(await read({ fresh: true })).toBe('second')
  expect(await read()).toBe('second')
  stored = 'third'
  expect(await read({ fresh: true })).toBe('second')
  expect(reads).toBe(2)
})

it('stays in use while it cannot be read, for everybody who asks meanwhile', async () => {
  await read()
  stored = undefined
  now += keptFor
  expect(await Promise.all([read(), read(), read()])).toEqual(['first', 'first', 'first'])
  expect(await read()).toBe('first')
  expect(reads).toBe(2)
  stored = 'second'
  now += 5000
  expect(await read()).toBe('second')
})

it('is no use to who has seen it refused, and still to everybody else', async () => {
  await read()
  stored = undefined
  now += keptFor
  const [refused, other] = await Promise.allSettled([read({ fresh: true }), read()])
  expect(refused).toMatchObject({
    reason: { code: 'upstream_unavailable', details: { dependency: 'secrets' } },
  })
  expect(other).toMatchObject({ value: 'first' })
})

it('is an outage when it was never read, or is empty', async () => {
  stored = undefined
  await expect(read()).rejects.toMatchObject({ code: 'upstream_unavailable' })
  stored = ''
  await expect(read()).rejects.toMatchObject({ details: { reason: 'secret_is_empty' } })
  stored = 'first'
  expect(await read()).toBe('first')
})
