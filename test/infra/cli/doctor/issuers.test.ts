import type { ServerResponse } from 'node:http'
import type { JWK } from 'jose'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { readConfiguration } from '../../../../functions/config.ts'
import { issuerFindings } from '../../../../infra/cli/doctor/issuers.ts'
import { signingKey } from '../../../functions/signing.ts'
import { sendJson, startTestIssuer, type TestIssuer } from '../../../functions/test-issuer.ts'

const rsa = signingKey('RS256').jwk
const curve = signingKey('ES256').jwk
let issuer: TestIssuer
beforeAll(async () => {
  issuer = await startTestIssuer()
})
beforeEach(() => {
  issuer.keys = [rsa]
  issuer.instead = undefined
})
afterAll(() => issuer.close())

const look = (settings: object = {}) =>
  issuerFindings(
    readConfiguration(
      {
        deployment: 'test',
        issuers: [{ name: 'own', issuer: issuer.address, audiences: ['app'], ...settings }],
        allowedOrigins: ['https://app.example'],
      },
      { loopback: true },
    ),
  )

test('keys that fit are counted', async () => {
  issuer.keys = [rsa, curve]
  expect(await look()).toEqual([{ state: 'good', what: 'issuer own', said: '1 of 2 keys for RS256' }])
  const { alg, ...unnamed } = rsa
  issuer.keys = [unnamed]
  expect(await look({ algorithms: ['PS256'] })).toMatchObject([{ state: 'good' }])
})

test('keys of another algorithm are red, and both are named', async () => {
  issuer.keys = [curve, { ...rsa, use: 'enc' }]
  expect(await look()).toMatchObject([
    {
      state: 'bad',
      said: expect.stringMatching(/for RS256; it publishes ES256/),
      todo: expect.stringContaining('algorithms'),
    },
  ])
})

test.each<[string, JWK, RegExp]>([
  ['too short', { ...signingKey('RS256', { bits: 1024 }).jwk, kid: 'k' }, /"k" is too short: RSA needs 2048/],
  ['of a small exponent', { ...signingKey('RS256', { exponent: 3 }).jwk }, /unsafe exponent/],
  ['for signing only', { ...rsa, key_ops: ['sign'] }, /may not verify/],
  ['private', { ...rsa, d: 'AQ' }, /private members/],
  ['without a modulus', { kty: 'RSA', e: 'AQAB' }, /the key without a kid is malformed/],
  ['with a number as its kid', { ...rsa, kid: 1 as never }, /the key 1 is malformed/],
])('a key that is %s is red, and to look at beside a good one', async (_, jwk, said) => {
  issuer.keys = [jwk]
  expect(await look()).toMatchObject([{ state: 'bad', said: expect.stringMatching(said) }])
  issuer.keys = [jwk, rsa]
  expect(await look()).toMatchObject([
    { state: 'good', said: '1 of 2 keys for RS256' },
    { state: 'look', said: expect.stringMatching(said), todo: expect.stringContaining('are refused') },
  ])
})

test('null members, null keys and keys for encryption are nothing to be told of', async () => {
  issuer.keys = [{ ...rsa, d: null, use: null } as never, null as never, { ...rsa, use: 'enc' }, curve]
  expect(await look()).toEqual([{ state: 'good', what: 'issuer own', said: '1 of 3 keys for RS256' }])
})

test('a redirect is told with its target', async () => {
  const target = 'https://login.acme.example/.well-known/openid-configuration'
  for (const location of [target, '/elsewhere', '//login.acme.example/x']) {
    issuer.instead = (_, response) => !!response.writeHead(301, { location }).end()
    const said = `answers with a redirect, which the service does not follow: ${new URL(location, issuer.address)}`
    expect(await look()).toMatchObject([{ state: 'bad', said: expect.stringContaining(said) }])
  }
})

test.each<[string, (response: ServerResponse) => void, string]>([
  [
    'another issuer’s document',
    (response) => sendJson(response, { issuer: 'https://other.example' }),
    'calls itself otherwise',
  ],
  ['no document', (response) => response.writeHead(404).end(), 'no discovery document'],
  ['a page', (response) => response.end('<html>'), 'no JSON'],
])('%s is red', async (_, answer, said) => {
  issuer.instead = (_, response) => {
    answer(response)
    return true
  }
  expect(await look()).toMatchObject([{ state: 'bad', said: expect.stringContaining(said) }])
})

test('an address where nobody answers is red', async () => {
  expect(await look({ issuer: 'http://127.0.0.1:1' })).toMatchObject([
    { state: 'bad', said: 'http://127.0.0.1:1 cannot be reached' },
  ])
})
