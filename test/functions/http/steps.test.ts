import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Audit } from '../../../functions/http/audit.ts'
import { during, timed } from '../../../functions/http/steps.ts'

/** Clients in which every call takes as long as it is told to, by a clock of their own. */
function clients() {
  let now = 1_000_000
  const take = async (ms: number) => {
    await setImmediate()
    now += ms
    return ms
  }
  const refuse = async (ms: number) => {
    await take(ms)
    throw new Error('refused')
  }
  return timed({
    table: { read: take, write: refuse },
    seam: { call: take },
    seal: {},
    sleep: async (ms: number) => {
      await take(ms)
    },
    clock: () => now,
  })
}
const request = (): Audit => ({ what: 'vend', request_id: 'r' })

test('an audit object says how long each outside world took in all, failures included, and of those alone that were used', async () => {
  const { table, seam, timing } = clients()
  const verify = timing('verify', async () => 'ada')
  const audit = request()
  await during(audit, async () => {
    expect([await verify(), await table.read(5), await seam.call(70)]).toEqual(['ada', 5, 70])
    await expect(table.write(3)).rejects.toThrow('refused')
  })
  expect(audit.steps).toEqual({ verify: 0, table: 8, seam: 70 })
})

test('requests that are on their way at once are told apart, and what nobody has asked for is nobody’s', async () => {
  const { table, sleep } = clients()
  const [one, other] = [request(), request()]
  await during(one, () => table.read(5))
  await Promise.all([during(one, () => table.read(1)), during(other, () => sleep(40)), table.read(0)])
  expect(Object.keys(one.steps ?? {})).toEqual(['table'])
  expect(Object.keys(other.steps ?? {})).toEqual(['wait'])
})
