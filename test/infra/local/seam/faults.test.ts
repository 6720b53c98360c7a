import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Fault, Faults } from '../../../../infra/local/seam/faults.ts'
import { type LocalSeam, startSeam } from '../../../../infra/local/seam/workspace.ts'
import { caller } from './calling.ts'

let seam: LocalSeam
let call: ReturnType<typeof caller>
const now = Date.UTC(2031, 0, 1)
const path = '/client_sessions/get_or_create'

beforeEach(async () => {
  seam = await startSeam({ clock: () => now })
  call = caller(seam)
})
afterEach(() => seam.close())

const made = () => seam.sessions().length
const vend = () =>
  call(path, {
    user_identifier_key: 'key',
    connected_account_ids: seam.users[0]?.connected_account_ids,
    expires_at: new Date(now + 3_600_000).toISOString(),
  })

describe('a fault', () => {
  test('strikes its path, as often as it is told, in the order of the plan', async () => {
    seam.faults.plan({
      faults: [
        { kind: 'status', status: 500, path, times: 2 },
        { kind: 'status', status: 503, path, times: 1 },
      ],
    })
    expect((await call('/client_sessions/list')).status).toBe(200)
    const statuses = []
    for (let n = 0; n < 4; n++) statuses.push((await vend()).status)
    expect(statuses).toEqual([500, 500, 503, 200])
    expect(seam.faults.delivered).toEqual({ status: 3 })
  })

  test('strikes by seed: the same calls are struck again, others by another seed', () => {
    const struck = (seed: number) => {
      const drawer = new Faults()
      drawer.plan({ seed, faults: [{ kind: 'reset', share: 0.3 }] })
      return Array.from({ length: 1000 }, () => (drawer.draw(path) ? '!' : '.')).join('')
    }
    expect(struck(7)).toBe(struck(7))
    expect(struck(7)).not.toBe(struck(8))
    const share = struck(7).split('!').length - 1
    expect(share).toBeGreaterThan(250)
    expect(share).toBeLessThan(350)
  })

  test('is gone when the plan is cleared', async () => {
    seam.faults.add({ kind: 'reset' })
    await expect(vend()).rejects.toThrow()
    seam.faults.clear()
    expect((await vend()).status).toBe(200)
  })

  test('counts only when its client was waiting', async () => {
    seam.faults.add({ kind: 'wrong', wrong: 'other_id', delay_ms: 40 })
    const leaving = new AbortController()
    const left = fetch(seam.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${seam.apiKey}` },
      body: JSON.stringify({ user_identifier_key: 'key' }),
      signal: leaving.signal,
    })
    await expect.poll(() => seam.counts[path]?.received, { interval: 1 }).toBe(1)
    leaving.abort()
    await expect(left).rejects.toThrow()
    await expect.poll(made, { interval: 1 }).toBe(1)
    expect(seam.faults.delivered).toEqual({})
    await call(path, { user_identifier_key: 'key' })
    expect(seam.faults.delivered).toEqual({ wrong: 1 })
  })

  test('strikes calls that are handed to the fake, too, and never a preflight', async () => {
    seam.faults.add({ kind: 'status', status: 502 })
    expect((await call('/devices/list')).status).toBe(502)
    expect((await fetch(`${seam.url}/devices/list`, { method: 'OPTIONS' })).status).toBe(204)
  })
})

describe('the effect', () => {
  test.each<[Fault, number]>([
    [{ kind: 'reset' }, 0],
    [{ kind: 'reset', applied: true }, 1],
    [{ kind: 'cut' }, 1],
  ])('of a call whose connection breaks: %j', async (fault, sessions) => {
    seam.faults.add(fault)
    await expect(vend()).rejects.toThrow()
    expect(made()).toBe(sessions)
    expect(seam.faults.delivered).toEqual({ [fault.kind]: 1 })
  })

  test.each<[Fault, number]>([
    [{ kind: 'status', status: 429, retry_after: 7 }, 0],
    [{ kind: 'status', status: 500, body: 'empty' }, 0],
    [{ kind: 'status', status: 502, body: 'html' }, 0],
    [{ kind: 'status', status: 503, body: 'json', applied: true }, 1],
  ])('of a call that is answered with an error: %j', async (fault, sessions) => {
    if (fault.kind !== 'status') return expect.unreachable()
    seam.faults.add(fault)
    const { status, headers, body } = await vend()
    expect(status).toBe(fault.status)
    expect(headers.get('retry-after')).toBe(fault.retry_after === undefined ? null : '7')
    expect(headers.get('seam-request-id')).not.toBeNull()
    expect(typeof body).toBe({ html: 'string', empty: 'undefined', json: 'object' }[fault.body ?? 'html'])
    expect(made()).toBe(sessions)
  })

  test.each([
    [undefined, 0],
    [true, 1],
  ])('of a call that is never answered, applied: %s', async (applied, sessions) => {
    seam.faults.add({ kind: 'silence', times: 1, ...(applied && { applied }) })
    const leaving = new AbortController()
    const answer = fetch(seam.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${seam.apiKey}` },
      body: JSON.stringify({ user_identifier_key: 'key' }),
      signal: leaving.signal,
    })
    await expect.poll(() => seam.faults.delivered, { interval: 1 }).toEqual({ silence: 1 })
    expect(made()).toBe(sessions)
    // Others are answered meanwhile.
    for (let n = 0; n < 3; n++) expect((await call('/workspaces/get')).status).toBe(200)
    leaving.abort()
    await expect(answer).rejects.toThrow(/aborted/)
  })

  test('of a delayed call is there, and so is its true answer, after others', async () => {
    seam.faults.add({ kind: 'delay', delay_ms: 40, path })
    const answered: string[] = []
    const delayed = vend().then(({ body }) => {
      answered.push('delayed')
      expect(body.client_session.connected_account_ids).toEqual(seam.users[0]?.connected_account_ids)
    })
    await expect.poll(() => seam.counts[path]?.received, { interval: 1 }).toBe(1)
    await call('/workspaces/get')
    answered.push('prompt')
    await delayed
    expect(answered).toEqual(['prompt', 'delayed'])
  })

  test('arrives late when everybody has given up', async () => {
    seam.faults.add({ kind: 'applied_late', late_ms: 20, times: 1 })
    await expect(vend()).rejects.toThrow()
    expect([made(), seam.faults.late.size]).toEqual([0, 1])
    await expect.poll(made, { interval: 1 }).toBe(1)
    expect(seam.faults.late.size).toBe(0)
    expect(seam.counts[path]).toEqual({ received: 1, changes: 1 })
  })

  test('waits as long as a test wants', async () => {
    seam.faults.add({ kind: 'applied_late', times: 1 })
    await expect(vend()).rejects.toThrow()
    const { client_session } = (await vend()).body
    await call('/client_sessions/delete', { client_session_id: client_session.client_session_id })
    expect(seam.sessions().filter(({ live }) => live)).toEqual([])
    await seam.faults.settle()
    expect(seam.sessions().filter(({ live }) => live)).toHaveLength(1)
  })
})

describe('a wrong answer', () => {
  const answered = async (fault: Fault) => {
    const { token } = (await vend()).body.client_session
    seam.faults.add(fault)
    const { client_session } = (await vend()).body
    const row = seam.sessions().find((one) => one.token === token)
    if (row === undefined) return expect.unreachable()
    return { client_session, row }
  }

  test.each([
    ['other_id', 'client_session_id'],
    ['other_workspace', 'workspace_id'],
    ['other_key', 'user_identifier_key'],
  ] as const)('with %s only says so', async (wrong, field) => {
    const { client_session, row } = await answered({ kind: 'wrong', wrong })
    expect(client_session[field]).not.toBe(row[field])
    expect({ ...client_session, [field]: row[field] }).toMatchObject({
      token: row.token,
      [field]: row[field],
    })
    expect(seam.sessions()).toEqual([row])
  })

  test("with other_key is a stranger's client session where there is one", async () => {
    const stranger = (await call('/client_sessions/create', {})).body.client_session
    const { client_session } = await answered({ kind: 'wrong', wrong: 'other_key' })
    expect(client_session).toEqual(stranger)
  })

  test.each(['extra_account', 'missing_account'] as const)('with %s opens just that', async (wrong) => {
    const asked = seam.users[0]?.connected_account_ids ?? []
    const { client_session, row } = await answered({ kind: 'wrong', wrong })
    expect(client_session.connected_account_ids).toEqual(row.connected_account_ids)
    expect(row.connected_account_ids).toHaveLength(asked.length + (wrong === 'extra_account' ? 1 : -1))
    const { body } = await call('/devices/list', {}, row.token)
    expect(body.devices).toHaveLength(client_session.device_count)
  })

  test('with past_expiry or late_expiry ends when it says', async () => {
    const { client_session, row } = await answered({ kind: 'wrong', wrong: 'past_expiry', times: 1 })
    expect([row.live, Date.parse(client_session.expires_at) < now]).toEqual([false, true])
    const late = await answered({ kind: 'wrong', wrong: 'late_expiry' })
    expect(late.client_session.expires_at).toBe(late.row.expires_at)
    expect(Date.parse(late.row.expires_at)).toBeGreaterThan(now + 366 * 24 * 3_600_000)
  })

  test('with dead_session looks right, and its token opens nothing', async () => {
    const { client_session, row } = await answered({ kind: 'wrong', wrong: 'dead_session' })
    expect(row.live).toBe(false)
    expect(Date.parse(client_session.expires_at)).toBeGreaterThan(now)
    expect((await call('/devices/list', {}, client_session.token)).status).toBe(401)
  })

  test('is not given where no client session is answered', async () => {
    seam.faults.add({ kind: 'wrong', wrong: 'other_id', times: 2 })
    expect((await call('/client_sessions/list')).body).toEqual({ client_sessions: [], ok: true })
    expect((await call('/client_sessions/get', { client_session_id: 'none' })).status).toBe(404)
    expect(seam.faults.delivered).toEqual({})
    await vend()
    expect(seam.faults.delivered).toEqual({ wrong: 1 })
  })
})

test('closing ends what is delayed, silent or late, and leaves nothing that keeps the process alive', async () => {
  const workspace = new URL('../../../../infra/local/seam/workspace.ts', import.meta.url)
  const script = `
    const { startSeam } = await import(${JSON.stringify(workspace.href)})
    const seam = await startSeam()
    const hour = 3_600_000
    seam.faults.plan({ faults: [
      { kind: 'silence', times: 1 },
      { kind: 'delay', delay_ms: hour, times: 1 },
      { kind: 'applied_late', late_ms: hour, answer: 'silence', times: 1 },
    ] })
    const call = () => fetch(seam.url + '/client_sessions/create', {
      method: 'POST', headers: { authorization: 'Bearer ' + seam.apiKey } })
    const ended = Promise.allSettled([call(), call(), call()])
    const path = '/client_sessions/create'
    while (seam.counts[path]?.received !== 3) await new Promise(setImmediate)
    await seam.close()
    console.log(JSON.stringify([(await ended).map(({ status }) => status), seam.sessions()]))
  `
  const { stdout } = await execFileAsync(process.execPath, ['--input-type=module', '--eval', script])
  expect(JSON.parse(stdout)).toEqual([['rejected', 'rejected', 'rejected'], []])
})

const execFileAsync = promisify(execFile)
