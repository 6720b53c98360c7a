import { createServer } from 'node:http'
import { Provider } from 'oidc-provider'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listen, listenerOf, stopListening } from '../../loopback.ts'
import { compact, signingKey } from '../signing.ts'
import { ask } from '../vending-world.ts'
import type { Machine } from '../wiring.ts'
import { client, type EventsWorld, startEventsWorld } from './world.ts'

/** A certified provider, which signs and sends its logout tokens as it does everywhere. */

let world: EventsWorld
let machine: Machine
let provider: Provider
let signIn: (sub: string, sid: string) => string
const key = signingKey('RS256')
const atProvider = createServer((request, response) => provider.callback()(request, response))
const ours = createServer(listenerOf((request) => machine.app.fetch(request)))

beforeAll(async () => {
  world = await startEventsWorld()
  const issuer = await listen(atProvider, 0, 'the identity provider')
  const address = await listen(ours, 0, 'the API')
  provider = new Provider(issuer, {
    features: { backchannelLogout: { enabled: true } },
    clients: [client, 'another'].map((client_id) => ({
      client_id,
      client_secret: 'not used',
      redirect_uris: ['https://app.example/back'],
      backchannel_logout_uri: `${address}/identity-events`,
      backchannel_logout_session_required: true,
    })),
    jwks: { keys: [{ ...key.privateKey.export({ format: 'jwk' }), kid: key.kid, alg: key.alg, use: 'sig' }] },
    // By itself it calls no address of this machine.
    fetch: (url: string, { dispatcher: _, ...options }: RequestInit & { dispatcher?: unknown }) =>
      fetch(url, options),
  })
  machine = world.machineWith({
    issuer,
    audiences: ['api'],
    unknownSubjects: 'provision',
    events: { audiences: [client], kinds: ['backchannel-logout'] },
  })
  signIn = (sub, sid) => {
    const iat = world.now()
    return compact({}, { iss: issuer, aud: 'api', iat, exp: iat + 600, sub, sid }, key)
  }
})
afterAll(async () => {
  await Promise.all([atProvider, ours].map(stopListening))
  await world.close()
})

test('what it sends ends the login that it names, and it is told that all went well', async () => {
  const phone = signIn('alice', 'sid-1')
  const vended = await Promise.all([phone, signIn('alice', 'sid-2')].map((token) => ask(machine, { token })))
  const alive = () => Promise.all(vended.map(({ body }) => world.isAlive(body.token)))
  expect(await alive()).toEqual([true, true])

  const page = await provider.Client.find(client)
  // It rejects when it is answered with anything but 200 or 204.
  await page?.backchannelLogout('alice', 'sid-1')
  expect(world.log.at(-1)).toMatchObject({ status: 200, issuer: 'main', event_type: 'backchannel-logout' })
  expect([await alive(), (await ask(machine, { token: phone })).status]).toEqual([[false, true], 401])
})

test('it is told of a client that is not ours', async () => {
  const another = await provider.Client.find('another')
  await expect(another?.backchannelLogout('alice', 'sid-2')).rejects.toThrow('400')
})
