import type { ServerResponse } from 'node:http'
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

test.each([
  [3, []],
  [20, ['look']],
  [90, ['bad']],
])('a clock that is %i s apart', async (seconds, states) => {
  issuer.instead = (_, response) => {
    response.setHeader('date', new Date(Date.now() - seconds * 1000).toUTCString())
    return false
  }
  expect((await look()).slice(1).map(({ state }) => state)).toEqual(states)
})
