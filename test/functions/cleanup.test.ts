import { execFile } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CleanupReport } from '../../functions/cleanup/report.ts'
import { readConfiguration } from '../../functions/config.ts'
import type { Environment } from '../../functions/entries/environment.ts'
import { retireAll } from '../../functions/record/writes.ts'
import { listen, stopListening } from '../loopback.ts'
import { type CleaningWorld, idOf, startCleaningWorld } from './cleanup/world.ts'
import { sharedSession } from './keeper.ts'

/** The Lambda entry, in a process of its own with the environment that the stack gives it. */

let world: CleaningWorld
let secrets: Server
let secretReads = 0
let environment: Environment & Record<string, string>
beforeAll(async () => {
  world = await startCleaningWorld()
  secrets = createServer((_, response) => {
    secretReads++
    response.setHeader('content-type', 'application/x-amz-json-1.1')
    response.end(JSON.stringify({ SecretString: world.seam.apiKey }))
  })
  environment = {
    TABLE_NAME: world.tableName,
    SEAM_API_KEY_SECRET_ARN: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:seam-abcdef',
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_DYNAMODB: world.dynamoDb.endpoint,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: await listen(secrets, 0, 'the secrets of this test'),
    PATH: process.env.PATH ?? '',
  }
})
afterAll(async () => {
  await stopListening(secrets)
  await world.close()
})

interface Answers {
  reports: CleanupReport[]
  errors: string[]
  /** What the function has logged. */
  lines: string[]
}

/** One warm function, invoked with one event after the other. */
const invoke = (...events: unknown[]): Promise<Answers> =>
  new Promise((resolve, reject) => {
    const configuration = readConfiguration({
      deployment: 'test',
      issuers: [{ name: 'main', issuer: 'https://issuer.example', audiences: ['a'] }],
      allowedOrigins: ['https://app.example'],
      seamEndpoint: 'https://seam.example',
    })
    const script = `
      const send = fetch
      globalThis.fetch = (address, how) =>
        send(String(address).replace('https://seam.example', '${world.seam.url}'), how)
      globalThis.TOKEN_VENDING_CONFIGURATION = ${JSON.stringify(configuration)}
      const { handler } = await import('${new URL('../../functions/entries/cleanup.ts', import.meta.url)}')
      const [reports, errors] = [[], []]
      for (const event of ${JSON.stringify(events)})
        await handler(event, { awsRequestId: 'request-1' }).then(
          (report) => reports.push(report),
          (error) => errors.push(error.message),
        )
      process.stderr.write(JSON.stringify({ reports, errors }))`
    const args = ['--input-type=module', '--no-warnings', '-e', script]
    execFile(process.execPath, args, { env: environment }, (error, out, said) => {
      if (error !== null) return reject(new Error(said))
      resolve({ ...JSON.parse(said), lines: out.split('\n').filter(Boolean) })
    })
  })

test('the schedule’s event cleans up; the report is returned and logged as one object without secrets', async () => {
  const user = await world.signedIn()
  await world.alter(user.owner, retireAll)
  const { reports, lines } = await invoke({})
  expect(reports).toHaveLength(1)
  expect(reports[0]).toMatchObject({ looked_at: 1, ended: { let_go: 1 }, alarms: [] })
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { what: 'cleanup', request_id: 'request-1', ...reports[0] },
  ])
  for (const secret of [
    world.seam.apiKey,
    sharedSession(user).user_identifier_key ?? '',
    sharedSession(user).sealed_token ?? '',
  ])
    expect(lines.join()).not.toContain(secret)
  expect(world.lives(idOf(user))).toBe(false)
})

test('by hand it plans, and looks at every record, with an API key that it has read for itself', async () => {
  const user = await world.signedIn()
  await world.alter(user.owner, retireAll)
  secretReads = 0
  const { reports } = await invoke({ dry_run: true }, { dry_run: true, all_users: true, override_fuse: true })
  expect(reports[0]).toMatchObject({ dry_run: true, all_users: false, looked_at: 1, ended: { let_go: 1 } })
  expect(reports[1]).toMatchObject({ dry_run: true, all_users: true, looked_at: 2 })
  expect(world.lives(idOf(user))).toBe(true)
  expect(secretReads).toBe(1)
})

test('an event it does not know is refused: a misspelt dry run must not be a real one', async () => {
  const calls = world.callsAtSeam()
  const { reports, errors } = await invoke({ dryRun: true }, { dry_run: 'yes' }, undefined, 'cleanup')
  expect(reports).toEqual([])
  expect(errors).toEqual(Array(4).fill(expect.stringContaining('"dry_run"')))
  expect(world.callsAtSeam()).toBe(calls)
})
