import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { grantAccounts } from '../../../functions/accounts/acts.ts'
import { changeUser } from '../../../functions/accounts/change.ts'
import * as changeOf from '../../../functions/accounts/changes.ts'
import { ask, soon } from '../vending-world.ts'
import { client, type EventsWorld, secevent, startEventsWorld } from './world.ts'

let world: EventsWorld
beforeAll(async () => {
  world = await startEventsWorld()
})
afterAll(() => world.close())

const uri = {
  sessionRevoked: `${secevent}/caep/event-type/session-revoked`,
  sessionsRevoked: `${secevent}/risc/event-type/sessions-revoked`,
  tokensRevoked: `${secevent}/oauth/event-type/tokens-revoked`,
  disabled: `${secevent}/risc/event-type/account-disabled`,
  enabled: `${secevent}/risc/event-type/account-enabled`,
  purged: `${secevent}/risc/event-type/account-purged`,
  verification: `${secevent}/ssf/event-type/verification`,
  streamUpdated: `${secevent}/ssf/event-type/stream-updated`,
}

let sub = ''
let people = 0
let bearer = ''
let token = ''
beforeEach(async () => {
  sub = `person-${people++}`
  await world.record(sub, [])
  const vended = await world.vend(sub)
  bearer = vended.bearer
  token = vended.token
})
const alive = () => world.isAlive(token)
const iss = () => world.identityProvider.issuer
const person = () => ({ format: 'iss_sub', iss: iss(), sub })
const lastLog = () => world.log.at(-1)
const code = async (token = bearer) => {
  const { status, body } = await ask(world.machine, { token })
  return body?.code ?? status
}
const tell = async (event: string, claims: object = {}) =>
  (await world.push(await world.securityEvent({ [event]: {} }, { sub_id: person(), ...claims }))).status
const owner = async () => (await world.user(sub))?.owner ?? ''

describe('a security event token', () => {
  test.each([uri.sessionRevoked, uri.sessionsRevoked, uri.tokensRevoked])(
    '%s ends all logins',
    async (event) => {
      const { status, text, headers } = await world.push(
        await world.securityEvent({ [event]: {} }, { sub_id: person() }),
      )
      expect([status, text, headers.get('cache-control')]).toEqual([202, '', 'no-store'])
      expect(lastLog()).toMatchObject({
        event_type: event.split('/').at(-1),
        issuer: 'main',
        owner: await owner(),
      })
      expect([await alive(), await code()]).toEqual([false, 'invalid_token'])
      expect((await world.user(sub))?.status).toBe('active')
    },
  )

  const subjects: [string, () => { event?: object; claims?: object }][] = [
    ['Okta’s, without a format', () => ({ event: { subject: { user: person() }, event_timestamp: 1e15 } })],
    ['Google’s', () => ({ event: { subject: { subject_type: 'iss-sub', iss: `${iss()}/`, sub } } })],
    ['one in the event', () => ({ event: { subject: person() } })],
    [
      'a complex one',
      () => ({
        claims: { sub_id: { format: 'complex', user: person(), session: { format: 'opaque', id: 's' } } },
      }),
    ],
  ]
  test.each(subjects)('may name its subject as %s', async (_, made) => {
    const { event = {}, claims } = made()
    const machine = world.machineWith({
      events: { audiences: [client], kinds: ['security-events'], issuer: `${iss()}/` },
    })
    const signed = await world.securityEvent({ [uri.sessionRevoked]: event }, { iss: `${iss()}/`, ...claims })
    expect([(await world.push(signed, machine)).status, await alive()]).toEqual([202, false])
  })

  test.each<[string, object]>([
    ['without a `typ`', { typ: undefined }],
    ['of the usual one', { typ: 'JWT' }],
  ])('%s is believed, however old it is', async (_, header) => {
    const events = { [uri.disabled]: {} }
    const signed = await world.securityEvent(events, { sub_id: person(), iat: world.now() - 500_000 }, header)
    expect([(await world.push(`${signed}\n`)).status, await alive()]).toEqual([202, false])
  })

  test('with several events has the effect of each', async () => {
    const events = { [uri.sessionRevoked]: {}, [uri.disabled]: {} }
    const iat = world.now()
    await world.push(await world.securityEvent(events, { sub_id: person(), iat }))
    expect(await world.user(sub)).toMatchObject({ status: 'disabled', not_before: iat * 1000 })
  })

  const harmless: [string, string, () => [events: object, claims?: object]][] = [
    ['an unknown event', 'unknown_event', () => [{ [`${secevent}/caep/event-type/credential-change`]: {} }]],
    ['one with a strange name', 'unknown_event', () => [{ [`${secevent}/constructor`]: {}, toString: 1 }]],
    [
      'a verification',
      'only_counted',
      () => [{ [uri.verification]: { state: 'x' } }, { sub_id: { format: 'opaque', id: 's' } }],
    ],
    ['a stream that goes on', 'only_counted', () => [{ [uri.streamUpdated]: { status: 'enabled' } }]],
    ['a stream that has stopped', 'stream_stopped', () => [{ [uri.streamUpdated]: { status: 'paused' } }]],
    [
      'somebody unknown',
      'unmatched',
      () => [{ [uri.disabled]: {} }, { sub_id: { ...person(), sub: 'nobody' } }],
    ],
    [
      'an address',
      'unmatched',
      () => [{ [uri.disabled]: {} }, { sub_id: { format: 'email', email: `${sub}@x` } }],
    ],
    ['nobody', 'unmatched', () => [{ [uri.disabled]: {} }, { sub_id: undefined }]],
  ]
  test.each(harmless)('about %s is accepted and counted (%s)', async (_, reason, made) => {
    const [events, claims = { sub_id: person() }] = made()
    const { status } = await world.push(await world.securityEvent(events as never, claims as never))
    expect([status, lastLog()?.reason, await alive()]).toEqual([202, reason, true])
  })

  const refusals: [string, string, string, () => Promise<string> | string][] = [
    [
      'another issuer’s person',
      'invalid_issuer',
      'other_issuer',
      () => about({ ...person(), iss: 'https://other.example' }),
    ],
    [
      'one from elsewhere',
      'invalid_issuer',
      'unknown_issuer',
      () => world.securityEvent({ [uri.disabled]: {} }, { sub_id: person(), iss: 'https://other.example' }),
    ],
    [
      'one for somebody else',
      'invalid_audience',
      'audience',
      () => world.securityEvent({ [uri.disabled]: {} }, { sub_id: person(), aud: 'x' }),
    ],
    [
      'one that was changed',
      'invalid_key',
      'signature',
      async () => `${(await about(person())).slice(0, -8)}AAAAAAAA`,
    ],
    [
      'a logout token’s type',
      'invalid_request',
      'type',
      () => world.securityEvent({ [uri.disabled]: {} }, { sub_id: person() }, { typ: 'logout+jwt' }),
    ],
    [
      'one that has expired',
      'invalid_request',
      'expired',
      () => world.securityEvent({ [uri.disabled]: {} }, { sub_id: person(), exp: world.now() - 6 }),
    ],
    [
      'one of tomorrow',
      'invalid_request',
      'issued_in_the_future',
      () => world.securityEvent({ [uri.disabled]: {} }, { sub_id: person(), iat: world.now() + 10 }),
    ],
    ['a bearer token', 'invalid_request', 'no_events', () => world.token(sub, { aud: client })],
    ['nothing', 'invalid_request', 'not_compact', () => ''],
    ['JSON', 'invalid_request', 'not_compact', () => '{"sub":"ada"}'],
  ]
  const about = (sub_id: object) => world.securityEvent({ [uri.disabled]: {} }, { sub_id })
  test.each(refusals)('is refused about %s: %s', async (_, err, reason, made) => {
    const { status, body, headers } = await world.push(await made())
    expect([status, headers.get('content-type')]).toEqual([400, 'application/json'])
    expect(body).toEqual({ err, description: `The token is not accepted: ${reason}.` })
    expect([lastLog()?.reason, await alive()]).toEqual([reason, true])
  })
})

describe('a person', () => {
  test('who is disabled gets nothing, whatever their token; enabled again, they do', async () => {
    expect([await tell(uri.disabled), await alive(), await code()]).toEqual([202, false, 'subject_disabled'])
    expect(await world.user(sub)).toMatchObject({ status: 'disabled', disabled_by: 'provider' })
    expect(await tell(uri.enabled, { iat: world.now() + 1 })).toBe(202)
    expect(await code()).toBe(201)
  })

  test('is what the latest event says, in whatever order they come, and however often', async () => {
    const at = world.now()
    const events = [
      [uri.enabled, at - 10],
      [uri.disabled, at - 20],
      [uri.disabled, at - 30],
      [uri.enabled, at - 10],
    ] as const
    for (const [event, iat] of events) await tell(event, { iat })
    expect((await world.user(sub))?.status).toBe('active')
    for (const [event, iat] of [
      [uri.enabled, at - 5],
      [uri.disabled, at - 5],
      [uri.enabled, at - 5],
    ] as const)
      await tell(event, { iat })
    expect((await world.user(sub))?.status).toBe('disabled')
  })

  test('whom the operator has disabled stays so', async () => {
    await changeUser(world.machine.deps, await owner(), changeOf.disable(), soon())
    await tell(uri.disabled)
    await tell(uri.enabled, { iat: world.now() + 1 })
    expect(await world.user(sub)).toMatchObject({ status: 'disabled', disabled_by: 'operator' })
  })

  test('whose account is purged is disabled as by the operator, and listed for removal', async () => {
    const iat = world.now()
    expect([await tell(uri.purged, { iat }), await alive()]).toEqual([202, false])
    await tell(uri.enabled, { iat: iat + 1 })
    expect(await world.user(sub)).toMatchObject({
      status: 'disabled',
      disabled_by: 'operator',
      purged_at: iat * 1000,
    })
    await changeUser(world.machine.deps, await owner(), changeOf.enable(), soon())
    // Told again, it does not undo the operator's word.
    await tell(uri.purged, { iat })
    expect((await world.user(sub))?.status).toBe('active')
  })

  test('who is removed stays removed, and what they are told about counts if they come back', async () => {
    await changeUser(world.machine.deps, await owner(), changeOf.remove(), soon())
    await tell(uri.enabled)
    const iat = world.now() + 4
    await tell(uri.sessionRevoked, { iat })
    expect(await code()).toBe('subject_disabled')
    const { subject = '' } = (await world.user(sub)) ?? {}
    const who = { owner: await owner(), subject, iss: iss(), sub }
    await grantAccounts(world.machine.deps, who, [], soon())
    expect(await world.user(sub)).toMatchObject({ status: 'active', not_before: iat * 1000 })
  })
})

describe('while Seam is down', () => {
  test('the record says it, the sender hears of no trouble, and cleanup has something to do', async () => {
    world.seam.faults.add({ kind: 'status', status: 503 })
    const status = await tell(uri.sessionRevoked)
    world.seam.faults.clear()
    expect([status, lastLog()?.reason, await code()]).toEqual([202, 'left_to_cleanup', 'invalid_token'])
    const user = await world.user(sub)
    expect([user?.sessions, user?.retired.length, await alive()]).toEqual([{}, 1, true])
    expect(user?.due_at).toBeLessThanOrEqual(world.clock.now())
  })

  test('an event that was already told asks Seam for nothing', async () => {
    world.seam.faults.add({ kind: 'status', status: 503 })
    const signed = await world.securityEvent({ [uri.sessionRevoked]: {} }, { sub_id: person() })
    await world.push(signed)
    const before = world.seam.counts['/client_sessions/delete']?.received
    expect((await world.push(signed)).status).toBe(202)
    world.seam.faults.clear()
    expect([world.seam.counts['/client_sessions/delete']?.received, lastLog()?.reason]).toEqual([
      before,
      'left_to_cleanup',
    ])
  })
})

test('while the table is down nothing is promised', async () => {
  const signed = await world.securityEvent({ [uri.disabled]: {} }, { sub_id: person() })
  expect((await world.push(signed)).status).toBe(202)
  world.dynamoDb.faults.add({ kind: 'failed' })
  const { status, body } = await world.push(signed)
  world.dynamoDb.faults.clear()
  expect([status, body.action]).toEqual([503, 'retry'])
})

test('while the issuer is down and no keys are kept nothing is promised', async () => {
  const signed = await world.securityEvent({ [uri.disabled]: {} }, { sub_id: person() })
  const machine = world.machineWith({ name: 'unseen' })
  world.identityProvider.outage = 'error'
  const { status, body } = await world.push(signed, machine).finally(() => {
    world.identityProvider.outage = undefined
  })
  expect([status, body.code]).toEqual([503, 'issuer_keys_unavailable'])
})
