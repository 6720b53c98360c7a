import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { IdentityProviderOptions } from '../../../infra/local/identity-provider.ts'
import { type FailingProvider as IdentityProvider, startFailingProvider } from '../../identity-provider.ts'

let folder: string
let running: IdentityProvider[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'identity-provider-'))
  running = []
})

afterEach(async () => {
  for (const provider of running) await provider.close()
  await rm(folder, { recursive: true })
})

async function start(options: IdentityProviderOptions = {}) {
  const provider = await startFailingProvider(options)
  running.push(provider)
  return provider
}

const ask = (provider: IdentityProvider, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${provider.issuer}/token`, { method: 'POST', body: JSON.stringify(body), headers })

/** As a relying party does: from the issuer's address alone. */
async function verify(provider: IdentityProvider, token: string) {
  const discovery = await fetch(`${provider.issuer}/.well-known/openid-configuration`)
  const { issuer, jwks_uri } = (await discovery.json()) as { issuer: string; jwks_uri: string }
  const keySet = createRemoteJWKSet(new URL(jwks_uri))
  const { payload } = await jwtVerify(token, keySet, {
    issuer,
    audience: provider.audience,
    algorithms: ['RS256'],
    requiredClaims: ['sub', 'iat', 'exp'],
  })
  return payload
}

describe('the token endpoint', () => {
  it('answers with a token that its published keys verify', async () => {
    const provider = await start()
    const response = await ask(provider, { sub: 'ada', roles: ['tenant'] })
    expect(response.headers.get('cache-control')).toBe('no-store')
    const { access_token, ...rest } = (await response.json()) as { access_token: string }
    expect(rest).toEqual({ token_type: 'Bearer', expires_in: 3600 })
    expect(await verify(provider, access_token)).toMatchObject({ sub: 'ada', roles: ['tenant'] })
  })

  it('lets every claim be overridden, and left out by null', async () => {
    const provider = await start({ clock: () => 1_000_000_500 })
    const response = await ask(provider, { sub: 'ada', aud: 'somebody else', iat: 7, exp: null, sid: null })
    const { access_token } = (await response.json()) as { access_token: string }
    expect(decodeJwt(access_token)).toEqual({
      iss: provider.issuer,
      sub: 'ada',
      aud: 'somebody else',
      iat: 7,
    })
  })

  it('answers with the bare token to who asks for plain text', async () => {
    const provider = await start()
    const response = await ask(provider, { sub: 'ada' }, { accept: 'text/plain' })
    expect(await verify(provider, await response.text())).toMatchObject({ sub: 'ada' })
  })

  it.each([[undefined], [null], ['ada'], [{}], [{ sub: '' }]])('refuses %j', async (body) => {
    const response = await ask(await start(), body)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: 'invalid_request' })
  })

  it('answers the pages that it is told of, if they are of this machine', async () => {
    const own = ['http://127.0.0.1:4803', 'http://localhost:5173']
    const others = ['https://app.example', 'http://127.0.0.1.elsewhere.example']
    const provider = await start({ origins: new Set([...own, ...others]) })
    const asked = async (origin: string) => {
      const { status, headers } = await ask(provider, { sub: 'ada' }, { origin })
      return [status, headers.get('access-control-allow-origin')]
    }
    for (const origin of own) expect(await asked(origin)).toEqual([200, origin])
    for (const origin of [...others, 'http://localhost:5174'])
      expect(await asked(origin)).toEqual([403, null])
  })
})

describe('its keys', () => {
  it('never show their private half', async () => {
    const provider = await start()
    const { keys } = (await (await fetch(`${provider.issuer}/jwks`)).json()) as { keys: object[] }
    expect(keys.map((key) => Object.keys(key).sort())).toEqual([['alg', 'e', 'kid', 'kty', 'n', 'use']])
  })

  it('outlive a restart in a file that only its owner can read', async () => {
    const stateFile = join(folder, 'identity-provider.json')
    const first = await start({ stateFile })
    const token = await first.sign({ sub: 'ada' })
    await first.close()
    expect((await stat(stateFile)).mode & 0o777).toBe(0o600)
    const second = await start({ stateFile, port: Number(new URL(first.issuer).port) })
    expect(await verify(second, token)).toMatchObject({ sub: 'ada' })
  })

  it('can be rotated with the old ones still published, and without', async () => {
    const provider = await start()
    const before = await provider.sign({ sub: 'ada' })
    await provider.rotateKeys()
    const after = await provider.sign({ sub: 'ada' })
    expect(decodeProtectedHeader(after).kid).not.toBe(decodeProtectedHeader(before).kid)
    expect(await verify(provider, before)).toMatchObject({ sub: 'ada' })
    expect(await verify(provider, after)).toMatchObject({ sub: 'ada' })

    await provider.rotateKeys({ keep: false })
    await expect(verify(provider, before)).rejects.toThrow()
  })

  it('are not replaced behind a damaged file: it says so', async () => {
    const stateFile = join(folder, 'identity-provider.json')
    await writeFile(stateFile, '{"version":1,"keys":[')
    await expect(start({ stateFile })).rejects.toThrow(`${stateFile} is damaged`)
    expect(await readFile(stateFile, 'utf8')).toBe('{"version":1,"keys":[')
  })
})

describe('an outage', () => {
  const keySet = (provider: IdentityProvider, signal?: AbortSignal) =>
    fetch(`${provider.issuer}/jwks`, { signal: signal ?? null })

  it('breaks connections, keeps silent or answers 503, until it is over', async () => {
    const provider = await start()
    provider.outage = 'reset'
    await expect(keySet(provider)).rejects.toThrow()
    provider.outage = 'silence'
    await expect(keySet(provider, AbortSignal.timeout(50))).rejects.toThrow('timeout')
    provider.outage = 'error'
    expect((await keySet(provider)).status).toBe(503)
    provider.outage = undefined
    expect((await keySet(provider)).status).toBe(200)
    expect(provider.counts).toEqual({ '/jwks': 4 })
  })
})

it('says which port is taken', async () => {
  const first = await start()
  const port = Number(new URL(first.issuer).port)
  await expect(start({ port })).rejects.toThrow(`Port ${port}, which the identity provider needs, is taken`)
})
