import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { bearerOf } from './endpoint.ts'
import { openPage, type Page, tokenOf } from './page.ts'
import { breath, pass, sleepDevice, until } from './time.ts'

let page: Page
beforeEach(async () => {
  page = await openPage()
})
afterEach(() => page.close())

const hours = 3_600_000
const requests = () => page.endpoint.requests.length

describe('a session that is listened for', () => {
  test('is renewed when the endpoint extends it, at another moment on each page', async () => {
    const began = Date.now()
    for (let i = 0; i < 10; i++) page.listen(page.sessions())
    await until(() => page.told.length === 10)
    await pass(2_990_000)
    expect(requests()).toBe(10)
    await pass(400_000)
    expect(requests()).toBe(20)
    const moments = page.endpoint.requests.slice(10).map(({ at }) => (at - began) / 1000)
    expect(Math.min(...moments)).toBeGreaterThanOrEqual(3000)
    expect(Math.max(...moments)).toBeLessThanOrEqual(3310)
    expect(Math.max(...moments) - Math.min(...moments)).toBeGreaterThan(30)
  })

  test('goes on being renewed, at the pace of the endpoint', async () => {
    page.listen(page.sessions())
    await pass(10 * hours)
    expect(requests()).toBeGreaterThanOrEqual(10)
    expect(requests()).toBeLessThanOrEqual(13)
  })

  test('is asked for no faster than every few seconds, whatever the endpoint says', async () => {
    page.endpoint.expiresIn = 12
    page.endpoint.refreshIn = 0
    page.listen(page.sessions())
    await pass(60_000, 200)
    expect(requests()).toBeLessThanOrEqual(13)
  })

  test('that cannot be extended is asked for anew when it has expired', async () => {
    page.endpoint.expiresIn = 600
    page.endpoint.refreshIn = 600
    page.listen(page.sessions())
    await pass(590_000)
    expect(requests()).toBe(1)
    await pass(20_000)
    expect(requests()).toBe(2)
    expect(page.told).toEqual(['seam_cst_ada-0', 'nothing', 'seam_cst_ada-0'])
  })

  test('is let be when nobody listens any more', async () => {
    const leave = page.listen(page.sessions())
    await until(() => page.told.length === 1)
    await breath()
    const timers = vi.getTimerCount()
    leave()
    expect(vi.getTimerCount()).toBe(timers - 1)
    await pass(10 * hours)
    expect(requests()).toBe(1)
  })
})

describe('a session that is asked for', () => {
  test('is served at once when it is due, and renewed behind that', async () => {
    const sessions = page.sessions()
    const first = await sessions.getClientSession()
    await pass(3_400_000)
    expect(requests()).toBe(1)
    const release = page.endpoint.hold()
    expect(await sessions.getClientSession()).toBe(first)
    await until(() => requests() === 2)
    release()
    await until(async () => (await sessions.getClientSession()) !== first)
    expect(requests()).toBe(2)
  })

  test('is waited for when what is at hand is about to expire', async () => {
    const sessions = page.sessions()
    const first = await sessions.getClientSession()
    await pass(3_595_000)
    expect(await sessions.getClientSession()).not.toBe(first)
    expect(requests()).toBe(2)
  })

  test('is a new one when the last has expired, never that', async () => {
    const sessions = page.sessions()
    const first = await sessions.getClientSession()
    await pass(1.5 * hours)
    expect(await sessions.getClientSession()).not.toBe(first)
  })
})

describe('the device’s clock', () => {
  test.each([-5, 5])('may be %i hours wrong', async (wrong) => {
    vi.setSystemTime(Date.now() + wrong * hours)
    const sessions = page.sessions()
    const first = await sessions.getClientSession()
    await pass(3_500_000)
    expect(await sessions.getClientSession()).toBe(first)
    await pass(110_000)
    expect(await sessions.getClientSession()).not.toBe(first)
  })

  test('may be set back: a token still ends when it ends', async () => {
    const sessions = page.sessions()
    const first = await sessions.getClientSession()
    vi.setSystemTime(Date.now() - 5 * hours)
    await pass(3_610_000)
    expect(await sessions.getClientSession()).not.toBe(first)
    expect(requests()).toBe(2)
  })

  test('goes on while the device sleeps, and its timers do not: the next call knows', async () => {
    const sessions = page.sessions()
    const first = await sessions.getClientSession()
    sleepDevice(3 * hours)
    expect(await sessions.getClientSession()).not.toBe(first)
  })

  test('is looked at every minute, so a page that was not hidden wakes by itself', async () => {
    page.listen(page.sessions())
    await until(() => requests() === 1)
    await breath()
    sleepDevice(3 * hours)
    await pass(65_000)
    expect(requests()).toBe(2)
    expect(page.told).toEqual(['seam_cst_ada-0', 'nothing', 'seam_cst_ada-0'])
  })
})

describe('a hidden page', () => {
  test('asks for nothing until it is seen again', async () => {
    page.listen(page.sessions())
    await until(() => requests() === 1)
    page.hide()
    await pass(10 * hours)
    expect(requests()).toBe(1)
    page.show()
    await until(() => requests() === 2)
    await pass(2_000_000)
    expect(requests()).toBe(2)
  })

  test('that is seen again in time asks only who is signed in', async () => {
    page.listen(page.sessions())
    await until(() => page.told.length === 1)
    page.hide()
    page.show()
    await until(() => page.asked.length === 3)
    await pass(1_000)
    expect(requests()).toBe(1)
  })

  test('that is hidden and seen again many times looks at the time no more often', async () => {
    page.listen(page.sessions())
    await until(() => page.told.length === 1)
    await breath()
    const timers = vi.getTimerCount()
    for (let times = 0; times < 10; times++) page.show()
    await until(() => page.asked.length === 12)
    await breath()
    expect(vi.getTimerCount()).toBe(timers)
  })

  test('notices, when it is seen again, that somebody else has signed in', async () => {
    page.listen(page.sessions())
    await until(() => page.told.includes('seam_cst_ada-0'))
    page.hide()
    page.getToken = () => bearerOf('grace')
    page.show()
    await until(() => page.told.includes('seam_cst_grace-0'))
    expect(page.told).toEqual(['seam_cst_ada-0', 'nothing', 'seam_cst_grace-0'])
  })

  test('may be asked, all the same', async () => {
    page.hide()
    expect(tokenOf(await page.sessions().getClientSession())).toBe('seam_cst_ada-0')
  })
})
