import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ScanCommand } from '@aws-sdk/client-dynamodb'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ownerOf } from '../../../functions/caller/owner.ts'
import { readConfiguration } from '../../../functions/config.ts'
import { withdraw } from '../../../functions/record/writes.ts'
import { vendingTable } from '../../../functions/table/table.ts'
import { worldDynamoDbClient } from '../../../infra/local/dynamodb.ts'
import { readRunningWorld, readWorldFile } from '../../../infra/local/files.ts'
import { providerEventKinds } from '../../../infra/local/identity-provider.ts'
import { startSeam } from '../../../infra/local/seam/workspace.ts'
import { startWorld, type World, type WorldOptions } from '../../../infra/local/world.ts'
import { listen, stopListening } from '../../loopback.ts'

let folder: string
let ends: (() => Promise<unknown>)[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'world-'))
  ends = [() => rm(folder, { recursive: true })]
})

afterEach(async () => {
  for (const end of ends.reverse()) await end()
})

async function start(options: Partial<WorldOptions> = {}): Promise<World> {
  const world = await startWorld({ folder, ...options })
  ends.push(world.close)
  return world
}

async function vend({ file, identityProvider }: World, sub: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${file.api}/client-session`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await identityProvider.sign({ sub })}`, ...headers },
  })
  const body = (await response.json()) as { token: string; client_session_id: string; endpoint: string }
  return { status: response.status, headers: response.headers, ...body }
}

async function devicesOf({ token, endpoint }: { token: string; endpoint: string }): Promise<string[]> {
  const response = await fetch(`${endpoint}/devices/list`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  })
  const { devices } = (await response.json()) as { devices: { display_name: string }[] }
  return devices.map(({ display_name }) => display_name).sort()
}

/** A server that is in the way. */
async function block(port: number) {
  const server = createServer()
  ends.push(() => stopListening(server))
  return listen(server, port, 'a test')
}

const portOf = (url: string) => Number(new URL(url).port)

describe('the local world', () => {
  it('a table that is silent costs its callers some time, not for ever', { timeout: 60_000 }, async () => {
    const world = await start()
    await vend(world, 'ada')
    await fetch(`${world.file.dynamodb_control}/faults`, {
      method: 'PUT',
      body: JSON.stringify({ faults: [{ kind: 'silence', times: 1 }] }),
    })
    expect((await vend(world, 'ada')).status).toBe(200)
  })

  it('hands each user the token of their own devices, and the same one again', async () => {
    const world = await start()
    const first = await vend(world, 'ada')
    expect(first.status).toBe(201)
    expect(await devicesOf(first)).toEqual(['Front Door', 'Garden Gate', 'Living Room'])
    expect(await vend(world, 'ada')).toMatchObject({ status: 200, token: first.token })
    expect(await devicesOf(await vend(world, 'grace'))).toEqual(['Harbour Office'])
    expect(await devicesOf(await vend(world, 'newcomer'))).toEqual([])
  })

  it('can be broken on purpose by the addresses in world.json: a dependency’s trouble is never the caller’s fault', async () => {
    const world = await start()
    const { dynamodb_control, seam_control } = world.file
    const breaking = async (control: string | undefined, faults: unknown[]) =>
      expect(
        (await fetch(`${control}/faults`, { method: 'PUT', body: JSON.stringify({ faults }) })).status,
      ).toBe(200)
    await breaking(dynamodb_control, [{ kind: 'throttled' }])
    expect(await vend(world, 'ada')).toMatchObject({ status: 503, code: 'upstream_unavailable' })
    await breaking(dynamodb_control, [])
    await breaking(seam_control, [{ kind: 'status', status: 503 }])
    expect(await vend(world, 'ada')).toMatchObject({ status: 503, code: 'upstream_unavailable' })
    await breaking(seam_control, [])
    expect((await vend(world, 'grace')).status).toBe(201)
  })

  it('says in world.json where everything is, for its owner alone and while it runs', async () => {
    const world = await start()
    const text = await readFile(join(folder, 'world.json'), 'utf8')
    expect(JSON.parse(text)).toEqual(world.file)
    expect(world.file).toMatchObject({
      api: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      issuer: world.identityProvider.issuer,
      audience: world.identityProvider.audience,
      seam: world.seam?.url,
      seam_api_key: world.seam?.apiKey,
      seam_control: world.seam?.control,
      users: ['ada', 'grace', 'alan'],
    })
    expect((await fetch(world.file.dynamodb)).status).toBeGreaterThan(0)
    for (const name of await readdir(folder))
      expect([name, (await stat(join(folder, name))).mode & 0o077]).toEqual([name, 0])

    await world.close()
    await expect(readWorldFile(folder)).rejects.toThrow('No local world runs')
  })

  it('remembers tokens, keys and addresses between runs', async () => {
    const first = await start()
    const { token } = await vend(first, 'ada')
    const bearer = await first.identityProvider.sign({ sub: 'ada' })
    await first.close()

    const second = await start({ port: portOf(first.file.api) })
    const { dynamodb: _, dynamodb_access_key_id: _id, dynamodb_control: _its, ...kept } = first.file
    const { seam_control: _control, ...before } = kept
    expect(second.file).toMatchObject(before)
    const response = await fetch(`${second.file.api}/client-session`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}` },
    })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ token })
  })

  it('does not give back with a restart what was taken away since', async () => {
    const first = await start()
    const client = worldDynamoDbClient(first.file)
    const table = vendingTable({ client, tableName: first.file.table })
    const owner = ownerOf('local|grace')
    const grace = await table.readUser(owner)
    if (grace === undefined) throw new Error('grace has no record')
    const next = withdraw(grace, grace.connected_account_ids, Date.now())
    await table.compareAndSet(owner, grace.revision, { ...next, revision: 'another' })
    client.destroy()
    await first.close()
    expect(await devicesOf(await vend(await start(), 'grace'))).toEqual([])
  })

  it('begins anew when it is told so, and deletes nothing but its own', async () => {
    const first = await start()
    const { token } = await vend(first, 'ada')
    await first.close()
    await writeFile(join(folder, 'of-somebody-else'), '')
    expect((await vend(await start({ reset: true }), 'ada')).token).not.toBe(token)
    expect(await readdir(folder)).toContain('of-somebody-else')
  })

  it('frees the lease of a cleanup that was killed with its world', async () => {
    const first = await start()
    const until = Date.now() + 600_000
    const open = ({ file }: World) => {
      const client = worldDynamoDbClient(file)
      ends.push(async () => client.destroy())
      return vendingTable({ client, tableName: file.table })
    }
    expect(await open(first).startRun('killed', Date.now(), until)).toBe(true)
    await first.close()
    expect((await open(await start()).readRun()).lease_until).toBeLessThan(until)
  })

  it('gives everybody their accounts anew when the records are gone', async () => {
    const first = await start()
    await first.close()
    await rm(join(folder, 'dynamodb'), { recursive: true })
    expect(await devicesOf(await vend(await start(), 'grace'))).toEqual(['Harbour Office'])
  })

  it('shows its records to nobody who does not know the id in world.json', async () => {
    const { file } = await start()
    for (const id of ['local', '', file.dynamodb_access_key_id.slice(1), `${file.dynamodb_access_key_id}0`]) {
      const client = worldDynamoDbClient({ ...file, dynamodb_access_key_id: id }, 30_000)
      await expect(client.send(new ScanCommand({ TableName: file.table })), id).rejects.toThrow()
      client.destroy()
    }
    const unsigned = await fetch(file.dynamodb, {
      method: 'POST',
      headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'DynamoDB_20120810.Scan' },
      body: JSON.stringify({ TableName: file.table }),
    })
    expect([unsigned.status, await unsigned.json()]).toEqual([
      400,
      expect.objectContaining({ __type: expect.stringContaining('UnrecognizedClientException') }),
    ])
    const client = worldDynamoDbClient(file)
    expect((await client.send(new ScanCommand({ TableName: file.table }))).Count).toBeGreaterThan(0)
    client.destroy()
  })

  it.runIf(process.platform === 'linux')('listens nowhere but on this machine', async () => {
    const { file } = await start()
    const ports = [file.api, file.page, file.issuer, file.seam, file.seam_control, file.dynamodb].map((url) =>
      portOf(url ?? ''),
    )
    // proc_net_tcp(5): local address and state, in hexadecimal; 0A is listening.
    const sockets = (await readFile('/proc/net/tcp', 'utf8')) + (await readFile('/proc/net/tcp6', 'utf8'))
    const listening = [...sockets.matchAll(/^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ 0A /gm)]
      .map(([, address, port]) => ({ address, port: Number.parseInt(port ?? '', 16) }))
      .filter(({ port }) => ports.includes(port))
    expect(listening).toHaveLength(ports.length)
    expect(new Set(listening.map(({ address }) => address))).toEqual(new Set(['0100007F']))
  })
})

describe('the page', () => {
  it('is another origin than the API, and one that may call it, as one that is named may', async () => {
    const own = 'http://localhost:5173'
    const world = await start({ origin: own })
    expect(world.file.page).not.toBe(world.file.api)
    for (const origin of [world.file.page, own])
      expect((await vend(world, 'ada', { origin })).headers.get('access-control-allow-origin')).toBe(origin)
    const { status, headers } = await fetch(`${world.file.api}/client-session`, {
      method: 'POST',
      headers: { origin: 'https://elsewhere.example' },
    })
    expect([status, headers.get('access-control-allow-origin')]).toEqual([403, null])
  })

  it('comes with all it needs, and may call nothing else', async () => {
    const { file } = await start()
    const html = await fetch(file.page)
    const policy = html.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain(`connect-src 'self' ${file.api} ${file.issuer} ${file.seam}`)
    expect(policy).not.toContain('unsafe')
    const parts = [...(await html.text()).matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path)
    expect(parts.length).toBeGreaterThan(3)
    for (const path of parts) expect((await fetch(`${file.page}${path}`)).status).toBe(200)
  })

  it('knows the users and no secret', async () => {
    const { file } = await start()
    const text = await (await fetch(`${file.page}/facts.json`)).text()
    expect(JSON.parse(text)).toEqual({
      api: file.api,
      issuer: file.issuer,
      seam: file.seam,
      users: file.users,
      operator: true,
      configuration: file.configuration,
    })
    expect(text).not.toContain(file.seam_api_key)
  })

  it('serves nothing else of the disk', async () => {
    const { file } = await start()
    for (const path of ['/server.ts', '/../server.ts', '/%2e%2e/server.ts', '/..%2fserver.ts', '/seam/'])
      expect([path, (await fetch(`${file.page}${path}`)).status]).toEqual([path, 404])
  })
})

describe('a configuration of one’s own', () => {
  const issuer = (address: string) => ({ name: 'main', issuer: address, audiences: ['my-app'] })
  const configuration = (address: string) =>
    readConfiguration(
      { deployment: 'mine', issuers: [issuer(address)], allowedOrigins: ['https://app.example'] },
      { loopback: true },
    )

  it('replaces the built-in one, down to the audience of the local tokens', async () => {
    const first = await start()
    await first.close()
    const world = await start({ configuration: configuration(first.file.issuer) })
    expect(world.file).toMatchObject({ issuer: first.file.issuer, audience: 'my-app' })
    expect(await devicesOf(await vend(world, 'ada'))).toHaveLength(3)
    expect(await vend(world, 'newcomer')).toMatchObject({ status: 403 })
    const { headers } = await vend(world, 'ada', { origin: world.file.page })
    expect(headers.get('access-control-allow-origin')).toBe(world.file.page)
  })

  it('may trust another identity provider: then nobody is known beforehand', async () => {
    const world = await start({ configuration: configuration('https://login.example') })
    expect(world.file).toMatchObject({ issuer: 'https://login.example', audience: 'my-app', users: [] })
    expect(await vend(world, 'ada')).toMatchObject({ status: 401 })
  })
})

describe('a real workspace', () => {
  it('is used instead of the local one, with a table of its own and nothing of it in world.json', async () => {
    const local = await start()
    await local.close()
    const real = await startSeam()
    ends.push(real.close)
    const world = await start({ seam: { url: real.url, apiKey: real.apiKey } })
    expect(world.file.seam).toBe(real.url)
    expect(world.file.table).not.toBe(local.file.table)
    expect(Object.keys(world.file)).not.toEqual(expect.arrayContaining(['seam_api_key']))
    expect(world.file.users).toBeUndefined()
    expect(await readFile(join(folder, 'world.json'), 'utf8')).not.toContain(real.apiKey)
    expect(await vend(world, 'ada')).toMatchObject({ status: 201, endpoint: real.url })
    expect(real.sessions()).toHaveLength(1)
  })

  it('must accept the API key', async () => {
    const real = await startSeam()
    ends.push(real.close)
    await expect(start({ seam: { url: real.url, apiKey: 'seam_wrong' } })).rejects.toThrow(
      `${real.url} does not accept SEAM_API_KEY`,
    )
  })

  it('must be there', async () => {
    const endpoint = await block(0)
    await ends.pop()?.()
    await expect(start({ seam: { url: endpoint, apiKey: 'seam_any' } })).rejects.toThrow(
      `${endpoint} cannot be used as Seam: no connection`,
    )
  })
})

describe('trouble', () => {
  it('keeps a second world off the folder, and off nothing once the first has ended', async () => {
    const first = await start()
    await expect(start()).rejects.toThrow(
      `Another local world runs on ${folder} (its API: ${first.file.api})`,
    )
    expect(await vend(first, 'ada')).toMatchObject({ status: 201 })
    await first.close()
    expect(await vend(await start(), 'ada')).toMatchObject({ status: 200 })
  })

  it.each(['seam.json', 'identity-provider.json', 'lock', 'dynamodb/dynalite'])(
    'names %s when it is damaged, ends what has started, and goes on without it',
    async (name) => {
      const file = join(folder, name)
      await damage(file)
      await expect(start()).rejects.toMatchObject({
        name: 'CliError',
        message: expect.stringContaining(file),
      })
      await rm(file)
      expect(await vend(await start(), 'ada')).toMatchObject({ status: 201 })
    },
  )

  it('wants to start afresh when it has lost its memory', async () => {
    const file = join(folder, 'memory.json')
    await damage(file)
    await expect(start()).rejects.toThrow(`${file} is damaged or of another version. Delete its folder whole`)
  })

  async function damage(file: string): Promise<void> {
    await (await start()).close()
    await rm(file, { recursive: true })
    await writeFile(file, 'this is none of ours, '.repeat(100))
  }

  it('says so when the folder is none', async () => {
    const file = join(folder, 'file')
    await writeFile(file, '')
    await expect(start({ folder: file })).rejects.toThrow(`${file} cannot be the folder of the local world`)
  })

  // Node’s own recursive mkdir never ends there.
  it.each(['/proc/none', '/proc/self/fd/none/at/all'])(
    'says so when no folder can be made: %s',
    async (none) => {
      await expect(start({ folder: none })).rejects.toThrow(`${none} cannot be the folder of the local world`)
    },
  )

  it('is made with its parents, for its owner alone', async () => {
    const deep = join(folder, 'a', 'b')
    await start({ folder: deep })
    for (const made of [join(folder, 'a'), deep]) expect((await stat(made)).mode & 0o777).toBe(0o700)
  })

  it('that was killed is told as ended to whoever wants to act in it', async () => {
    const { file, close } = await start()
    expect(await readRunningWorld(folder)).toEqual(file)
    await close()
    await writeFile(join(folder, 'world.json'), JSON.stringify(file))
    await expect(readRunningWorld(folder)).rejects.toThrow(/has ended. Start it again/)
  })

  it('lets the identity provider tell who is out, by its address too', async () => {
    const { file, identityProvider } = await start()
    const world = { file, identityProvider } as World
    const before = await vend(world, 'ada')
    const sent = async (body: object) => {
      const answer = await fetch(`${file.issuer}/send`, { method: 'POST', body: JSON.stringify(body) })
      return [answer.status, await answer.json()]
    }
    expect(await sent({ sub: 'ada', kind: 'account-disabled' })).toEqual([200, { status: 202 }])
    expect((await vend(world, 'ada')).status).toBe(403)
    await expect(devicesOf(before)).rejects.toThrow()
    for (const kind of providerEventKinds) {
      const status = await identityProvider.send({ sub: 'ada', kind })
      expect([kind, status]).toEqual([kind, kind === 'backchannel-logout' ? 200 : 202])
    }
    expect(await sent({ sub: 'ada', kind: 'a rumour' })).toMatchObject([400, { error: 'invalid_request' }])
  })

  it('says which port is taken', async () => {
    const port = portOf(await block(0))
    await expect(start({ port })).rejects.toThrow(`Port ${port}, which the API needs, is taken`)
  })

  it('does not move an issuer whose tokens and records are out', async () => {
    const { file, close } = await start()
    await close()
    await block(portOf(file.issuer))
    await expect(start()).rejects.toThrow(/the identity provider needs, is taken.*cannot move/)
  })

  it('finds other ports when the usual ones are taken at the first start', async () => {
    const [a, b, c] = [await block(0), await block(0), await block(0)].map(portOf) as [number, number, number]
    const { file } = await start({ usualPorts: { identity_provider: a, seam: b, page: c } })
    for (const [url, usual] of [
      [file.issuer, a],
      [file.seam, b],
      [file.page, c],
    ] as const)
      expect((portOf(url) - usual) % 10).toBe(0)
  })
})
