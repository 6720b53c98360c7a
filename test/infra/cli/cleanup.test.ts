import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ownerOf } from '../../../functions/caller/owner.ts'
import { retireAll } from '../../../functions/record/writes.ts'
import { vendingTable } from '../../../functions/table/table.ts'
import { worldDynamoDbClient } from '../../../infra/local/dynamodb.ts'
import { startWorld, type World } from '../../../infra/local/world.ts'
import { runIn } from './terminal.ts'

let folder: string
let world: World
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'local-cleanup-'))
  world = await startWorld({ folder })
})
afterAll(async () => {
  await world.close()
  await rm(folder, { recursive: true })
})

const cleanup = (words: string[], local = folder) => runIn(local, ['cleanup', ...words])

/** Ada signs in, and what she has is retired in the record only. */
async function retireAdas(): Promise<string | undefined> {
  const token = await world.identityProvider.sign({ sub: 'ada' })
  await fetch(`${world.file.api}/client-session`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  })
  const client = worldDynamoDbClient(world.file)
  const table = vendingTable({ client, tableName: world.file.table })
  const ada = await table.readUser(ownerOf('local|ada'))
  if (ada === undefined) throw new Error('Ada has no record')
  const now = Date.now()
  await table.compareAndSet(ada.owner, ada.revision, {
    ...retireAll(ada, now),
    revision: 'retired',
    due_at: now,
  })
  client.destroy()
  return Object.values(ada.sessions)[0]?.client_session_id
}
const lives = (id: string | undefined) =>
  world.seam?.sessions().some(({ client_session_id, live }) => client_session_id === id && live)

test('a dry run shows what a run would do, and a run does it', async () => {
  const id = await retireAdas()
  const plan = await cleanup(['--dry-run'])
  expect(plan).toMatchObject({ code: 0, err: '' })
  expect(plan.out).toContain('nothing was changed')
  expect(plan.out).toMatch(/ended +1 let_go\n/)
  expect(lives(id)).toBe(true)

  const done = await cleanup(['--json'])
  expect(done.code).toBe(0)
  expect(JSON.parse(done.out)).toMatchObject({
    dry_run: false,
    looked_at: 1,
    ended: { let_go: 1 },
    alarms: [],
  })
  expect(lives(id)).toBe(false)
  expect((await cleanup(['--all-users'])).out).toMatch(/looked at +3\n/)
})

test('a report that somebody should look at ends with 1, and says why', async () => {
  world.seam?.faults.add({ kind: 'status', status: 503, path: '/workspaces/get', times: 1 })
  const { code, out } = await cleanup([])
  expect(code).toBe(1)
  expect(out).toContain('The table or Seam is unavailable')
})

test('a misspelt option, or a folder without a world, is told what to do, and changes nothing', async () => {
  const misspelt = await cleanup(['--dryrun'])
  expect(misspelt).toMatchObject({ code: 2, out: '' })
  expect(misspelt.err).toContain('--dry-run')
  const nowhere = await cleanup([], join(folder, 'nowhere'))
  expect(nowhere).toMatchObject({ code: 6, out: '' })
  expect(nowhere.err).toContain('npm start')
})
