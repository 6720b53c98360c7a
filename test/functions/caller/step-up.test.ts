import { describe, expect, it } from 'vitest'
import { stepUpFor } from '../../../functions/caller/step-up.ts'
import { type ConfigurationInput, type Issuer, readConfiguration } from '../../../functions/config.ts'

const now = 1_800_000_000 // Seconds.
type Settings = Partial<ConfigurationInput['issuers'][number]>

function lacking(settings: Settings, claims: Record<string, unknown>) {
  const issuers = [{ name: 'main', issuer: 'https://id.example', audiences: ['us'], ...settings }]
  const input = { deployment: 'test', issuers, allowedOrigins: ['https://app.example'] }
  return stepUpFor(claims, readConfiguration(input).issuers[0] as Issuer, now * 1000)
}

describe('a sign-in of the last five minutes', () => {
  const recent = { maxAuthAgeSeconds: 300 }

  it.each([
    ['now', { auth_time: now }],
    ['five minutes and the tolerance ago', { auth_time: now - 305 }],
    ['in fractions of a second', { auth_time: now - 299.5 }],
    ['by a clock that is half a minute ahead', { auth_time: now + 30 }],
  ])('may be %s', (_, claims) => {
    expect(lacking(recent, claims)).toBeUndefined()
  })

  it.each([
    ['a moment too long ago', { auth_time: now - 305.001 }],
    ['of unknown time, however new the token is', { iat: now }],
    ['in the future', { auth_time: now + 30.001 }],
    ['in milliseconds', { auth_time: now * 1000 }],
    ['as text', { auth_time: String(now) }],
    ['as null', { auth_time: null }],
    ['in a list', { auth_time: [now] }],
    ['of a year that is none', { auth_time: Infinity }],
  ])('is not one %s', (_, claims) => {
    expect(lacking(recent, claims)).toEqual({ max_age: 300 })
  })

  it('is read where the provider tells it', () => {
    const supabase = { ...recent, authTimeClaim: '/amr/0/timestamp' }
    expect(lacking(supabase, { amr: [{ method: 'totp', timestamp: now - 10 }] })).toBeUndefined()
    expect(lacking(supabase, { amr: [], auth_time: now })).toEqual({ max_age: 300 })
  })
})

describe('a sign-in of one of two kinds', () => {
  const strong = { acrValues: ['gold', 'phr'] }

  it.each([
    ['the first', { acr: 'gold' }],
    ['the second', { acr: 'phr' }],
    ['a list with one of them', { acr: ['1', 'phr'] }],
  ])('may be %s', (_, claims) => {
    expect(lacking(strong, claims)).toBeUndefined()
  })

  it.each([
    ['of no kind', {}],
    ['of another', { acr: 'silver' }],
    ['of one that contains it', { acr: 'gold phr' }],
    ['in capitals', { acr: 'GOLD' }],
    ['of an empty list', { acr: [] }],
    ['of one that is null', { acr: null }],
    ['of one deep in a list', { acr: [['gold']] }],
    ['of one in an object', { acr: { gold: true } }],
  ])('is not one %s', (_, claims) => {
    expect(lacking(strong, claims)).toEqual({ acr_values: ['gold', 'phr'] })
  })

  it('is read where the provider tells it', () => {
    expect(lacking({ acrValues: ['aal2'], acrClaim: '/aal' }, { aal: 'aal2' })).toBeUndefined()
    expect(lacking({ acrValues: ['aal2'], acrClaim: '/aal' }, { acr: 'aal2' })).toBeDefined()
    expect(lacking({ acrValues: ['c1'], acrClaim: '/acrs' }, { acrs: ['c1', 'c2'] })).toBeUndefined()
  })
})

it('both count where both are asked for, and both are told', () => {
  const both = { maxAuthAgeSeconds: 60, acrValues: ['gold'] }
  const told = { acr_values: ['gold'], max_age: 60 }
  expect(lacking(both, { acr: 'gold', auth_time: now })).toBeUndefined()
  expect(lacking(both, { acr: 'gold', auth_time: now - 100 })).toEqual(told)
  expect(lacking(both, { acr: 'tin', auth_time: now })).toEqual(told)
})

it('nothing counts where nothing is asked for', () => {
  expect(lacking({}, {})).toBeUndefined()
})
