import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freshFor, staleFor } from '../../../functions/caller/keys.ts'
import { patient } from '../patient.ts'
import { compact, signingKey } from '../signing.ts'
import { ask, startVendingWorld, type VendingWorld } from '../vending-world.ts'

/** Whole requests while the identity provider rotates its keys, is down, or is used to attack us, or we it. */

const seconds = 1000
const minutes = 60 * seconds

let world: VendingWorld
beforeEach(async () => {
  world = await startVendingWorld({ times: patient })
  await world.record('ada', [])
})
afterEach(() => world.close())

const status = async (token: string, machine = world.machine) => (await ask(machine, { token })).status
const good = () => world.token('ada')
const looks = () => world.identityProvider.counts['/jwks'] ?? 0

const stranger = signingKey('RS256')
let strange = 0
/** A token with everything right but its key, under a name that nobody has heard. */
function unknown(): string {
  strange += 1
  const now = Math.floor(world.clock.now() / 1000)
  const { issuer, audience } = world.identityProvider
  return compact(
    { kid: `unknown-${strange}` },
    { iss: issuer, aud: audience, sub: 'ada', exp: now + 60 },
    stranger,
  )
}

describe('a flood of unknown keys', () => {
  it('costs the provider four looks at once and one each half minute, and no honest caller anything', async () => {
    expect(await status(await good())).toBe(201)
    for (let minute = 0; minute < 5; minute += 1) {
      for (let request = 0; request < 30; request += 1) {
        world.clock.advance(2 * seconds)
        expect(await status(unknown())).toBe(401)
      }
      expect(await status(await good())).toBe(200)
    }
    expect(looks()).toBeLessThanOrEqual(1 + 3 + 5 * 2)
  })

  it('at one moment costs one look', async () => {
    expect(await status(await good())).toBe(201)
    world.clock.advance(6 * seconds)
    const statuses = await Promise.all(Array.from({ length: 100 }, () => status(unknown())))
    expect(new Set(statuses)).toEqual(new Set([401]))
    expect(looks()).toBe(2)
  })

  it('delays a rotation by half a minute at most', async () => {
    expect(await status(await good())).toBe(201)
    for (let request = 0; request < 50; request += 1) {
      world.clock.advance(seconds)
      await status(unknown())
    }
    await world.identityProvider.rotateKeys()
    const rotated = await good()
    let waited = 0
    while ((await status(rotated)) !== 200) {
      await status(unknown())
      world.clock.advance(seconds)
      waited += 1
    }
    expect(waited).toBeLessThanOrEqual(30)
  })
})

describe('a key rotation', () => {
  it('in the midst of 100 requests refuses none of them, in any process', async () => {
    const other = world.another()
    expect(await status(await good())).toBe(201)
    expect(await status(await good(), other)).toBe(200)
    world.clock.advance(6 * seconds)
    const old = await good()
    await world.identityProvider.rotateKeys()
    const rotated = await good()
    const statuses = await Promise.all(
      Array.from({ length: 100 }, (_, i) => status(i % 2 ? old : rotated, i % 4 < 2 ? world.machine : other)),
    )
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(looks()).toBeLessThanOrEqual(3)
  })

  it('that withdraws the old key ends its tokens within ten minutes, in all processes', async () => {
    const other = world.another()
    const old = await good()
    expect(await status(old)).toBe(201)
    expect(await status(old, other)).toBe(200)
    await world.identityProvider.rotateKeys({ keep: false })
    world.clock.advance(freshFor)
    expect(await status(old)).toBe(401)
    expect(await status(old, other)).toBe(401)
    expect(await status(old, world.another())).toBe(401)
    expect(await status(await good())).toBe(200)
  })
})

describe.each(['reset', 'error'] as const)('an outage of the provider (%s)', (outage) => {
  it('logs nobody out for a day, not even in a cold start; then it is an outage, never the caller’s fault', async () => {
    expect(await status(await good())).toBe(201)
    world.identityProvider.outage = outage
    for (let hours = 0; hours < 23; hours += 1) {
      world.clock.advance(60 * minutes)
      expect([200, 201]).toContain(await status(await good()))
      expect([200, 201]).toContain(await status(await good(), world.another()))
    }
    world.clock.advance(staleFor)
    const { status: last, body, headers } = await ask(world.machine, { token: await good() })
    expect([last, body.code, body.action]).toEqual([503, 'issuer_keys_unavailable', 'retry'])
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    expect(world.log.at(-1)).toMatchObject({ dependency: 'issuer' })
    expect(await status(await good(), world.another())).toBe(503)

    world.identityProvider.outage = undefined
    world.clock.advance(30 * seconds)
    expect([200, 201]).toContain(await status(await good()))
  })

  it('is asked once in half a minute', async () => {
    expect(await status(await good())).toBe(201)
    const asked = () => (world.identityProvider.counts['/.well-known/openid-configuration'] ?? 0) + looks()
    const before = asked()
    world.identityProvider.outage = outage
    world.clock.advance(freshFor)
    // The clock also moves by what the requests take.
    const until = world.clock.now() + 58 * seconds
    while (world.clock.now() < until) {
      expect(await status(await good())).toBe(200)
      world.clock.advance(seconds)
    }
    expect(asked() - before).toBe(2)
  })

  it('makes an unknown key an outage, and leaves a bad signature the caller’s fault', async () => {
    expect(await status(await good())).toBe(201)
    world.identityProvider.outage = outage
    world.clock.advance(6 * seconds)
    expect(await status(unknown())).toBe(503)
    const [header, payload] = (await good()).split('.')
    expect(
      await status(`${header}.${payload}.${(await good()).split('.')[2]?.replace(/^..../, 'AAAA')}`),
    ).toBe(401)
    expect(await status(await good())).toBe(200)
  })
})
