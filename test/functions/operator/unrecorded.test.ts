import { randomUUID } from 'node:crypto'
import { DeleteItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deadlineIn } from '../../../functions/http/deadline.ts'
import { seamClient } from '../../../functions/seam/client.ts'
import { times } from '../../../functions/times.ts'
import { localDynamoDbClient } from '../../../infra/local/dynamodb.ts'
import { sharedSession, withShared } from '../keeper.ts'
import { minutes } from '../minutes.ts'
import { patient } from '../patient.ts'
import { devicesOf, ownerOfSub, soon } from '../vending-world.ts'
import { type AdminWorld, startAdminWorld } from './world.ts'

let world: AdminWorld
beforeAll(async () => {
  world = await startAdminWorld()
})
afterAll(() => world.close())

const atSeam = () =>
  seamClient({ endpoint: world.seam.url, apiKey: async () => world.seam.apiKey, times: patient })
const make = (user_identifier_key: string) =>
  atSeam().getOrCreate(
    { user_identifier_key, connected_account_ids: [], expires_at: world.clock.now() + 600 * minutes },
    deadlineIn(times.vend, world.clock.now),
  )
const newUser = async () => {
  const sub = `user-${randomUUID().slice(0, 8)}`
  await world.callAdmin('grant', {
    subject: world.subjectOf(sub),
    connected_account_ids: world.newAccounts(1),
  })
  return { sub, token: await world.vend(sub) }
}
/** As a restore to a time before the user's first request would leave it. */
const loseRecord = async (sub: string) => {
  const client = localDynamoDbClient(world.dynamoDb.endpoint)
  const Key = { item: { S: `user#${ownerOfSub(sub)}` } }
  await client.send(new DeleteItemCommand({ TableName: world.addresses.tableName, Key }))
  client.destroy()
}
const idsOf = (orphans: { client_session_id: string }[]) => orphans.map((one) => one.client_session_id)
const opens = (token: string) =>
  devicesOf(world.seam, token).then(
    () => true,
    () => false,
  )

describe('orphans', () => {
  test('a client session that no record names is told, and deleted only after an hour and at one’s word', async () => {
    const recorded = await newUser()
    const stranger = await make('somebody-elses-key')
    const lookAlike = await make(`test-00000000_${ownerOfSub('x')}_${randomUUID()}`)
    const lost = await newUser()
    const id = sharedSession(await world.user(lost.sub)).client_session_id ?? ''
    await loseRecord(lost.sub)

    const first = await world.callAdmin('orphans', { delete: true })
    expect(first.orphans).toMatchObject([
      { client_session_id: id, owner: ownerOfSub(lost.sub), state: 'just_seen' },
    ])
    world.clock.advance(59 * minutes)
    expect((await world.callAdmin('orphans', { delete: true })).orphans).toMatchObject([
      { state: 'just_seen' },
    ])
    world.clock.advance(2 * minutes)
    // Its lifetime of an hour is over by now, but not at a Seam that lists the dead as well.
    world.seam.readings.list = 'with_dead'
    expect((await world.callAdmin('orphans', {})).orphans).toMatchObject([{ state: 'may_be_deleted' }])
    const last = await world.callAdmin('orphans', { delete: true })
    expect(last.orphans).toMatchObject([{ client_session_id: id, state: 'deleted' }])
    expect((await world.callAdmin('orphans', {})).orphans).toEqual([])
    world.seam.readings.list = 'live'

    const ended = world.seam.sessions().filter(({ deleted_at }) => deleted_at !== undefined)
    expect(idsOf(ended)).toEqual([id])
    expect(await opens(stranger.token)).toBe(true)
    expect(await opens(lookAlike.token)).toBe(true)
    expect(await world.vend(recorded.sub)).toMatch(/^seam_cst/)
  })

  test('what a record has retired is no orphan: cleanup ends it', async () => {
    const { sub } = await newUser()
    world.seam.faults.plan({ faults: [{ kind: 'status', status: 503, path: '/client_sessions/delete' }] })
    await world.callAdmin('end_session', { subject: world.subjectOf(sub) })
    world.seam.faults.clear()
    const { looked_at, orphans } = await world.callAdmin('orphans', {})
    expect(looked_at).toBeGreaterThan(0)
    expect(orphans).toEqual([])
  })
})

describe('end_token', () => {
  test('ends the client session of its user, names them, and retires it in the record', async () => {
    const { sub, token } = await newUser()
    const ended = await world.callAdmin('end_token', { token })
    expect(ended).toEqual({
      outcome: 'ended',
      client_session_id: expect.any(String),
      subject: world.subjectOf(sub),
    })
    expect(await opens(token)).toBe(false)
    expect((await world.user(sub))?.sessions).toEqual({})
    expect(await world.callAdmin('end_token', { token })).toEqual({ outcome: 'dead' })
  })

  test('ends one that no record names, at once', async () => {
    const { sub, token } = await newUser()
    await loseRecord(sub)
    expect(await world.callAdmin('end_token', { token })).toMatchObject({ outcome: 'ended' })
    expect(await opens(token)).toBe(false)
  })

  test('ends a stray under a user’s key as well', async () => {
    const { sub, token } = await newUser()
    const user = await world.user(sub)
    if (user?.revision === undefined) throw new Error('no record')
    // A client session that the record knows under another id.
    const renamed = withShared(user, { client_session_id: randomUUID() })
    await world.table.compareAndSet(user.owner, user.revision, { ...renamed, revision: randomUUID() })
    expect(await world.callAdmin('end_token', { token })).toMatchObject({ outcome: 'ended' })
    expect(await opens(token)).toBe(false)
  })

  test('leaves a stranger’s alone', async () => {
    const { token } = await make('a-strangers-key')
    expect(await world.callAdmin('end_token', { token })).toMatchObject({ outcome: 'not_ours' })
    expect(await opens(token)).toBe(true)
  })

  test('does not claim what Seam did not confirm', async () => {
    const { token } = await newUser()
    world.seam.faults.plan({ faults: [{ kind: 'status', status: 503, path: '/client_sessions/delete' }] })
    expect(await world.callAdmin('end_token', { token })).toMatchObject({ outcome: 'ending' })
    world.seam.faults.clear()
    expect(await opens(token)).toBe(true)
    expect(await world.callAdmin('end_token', { token })).toMatchObject({ outcome: 'ended' })
  })

  test('with Seam down it is an outage', async () => {
    world.seam.faults.plan({ faults: [{ kind: 'reset', path: '/client_sessions/get' }] })
    const call = world.callAdmin('end_token', { token: 'seam_cst_x' })
    await expect(call).rejects.toMatchObject({
      problem: { code: 'upstream_unavailable', dependency: 'seam' },
    })
    world.seam.faults.clear()
  })
})

describe('drain', () => {
  test('ends every client session we own, and says what is left', async () => {
    const stranger = await make('still-a-stranger')
    const tokens = [(await newUser()).token, (await newUser()).token, (await newUser()).token]
    world.seam.faults.plan({ faults: [{ kind: 'status', status: 503, path: '/client_sessions/delete' }] })
    const failed = await world.callAdmin('drain', {})
    expect(failed.will_be_retried).toBeGreaterThanOrEqual(3)
    expect(failed.remaining).toBeGreaterThanOrEqual(3)
    world.seam.faults.clear()
    world.clock.advance(times.probe)
    // One call finds out that Seam is well again; the others do not wait for it.
    const first = await world.callAdmin('drain', {})
    const drained = await world.callAdmin('drain', {})
    expect(first.ended + drained.ended).toBeGreaterThanOrEqual(3)
    expect([drained.will_be_retried, drained.remaining, drained.after]).toEqual([0, 0, undefined])
    for (const token of tokens) expect(await opens(token)).toBe(false)
    expect(await opens(stranger.token)).toBe(true)
    expect(await atSeam().list({ user_identifier_key: 'still-a-stranger' }, soon())).toHaveLength(1)
  })
})
