import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Desk } from '../../../../infra/local/page/operator.ts'
import type { Observation } from '../../../../infra/local/page/watching.ts'
import { startWorld, type World } from '../../../../infra/local/world.ts'

let folder: string
let world: World

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'page-server-'))
  world = await startWorld({ folder })
})
afterAll(async () => {
  await world.close()
  await rm(folder, { recursive: true })
})

function wish(body: unknown, origin = world.file.page): Promise<Response> {
  return fetch(`${world.file.page}/desk`, { method: 'POST', headers: { origin }, body: JSON.stringify(body) })
}

const desk = async (sub: string): Promise<Desk> =>
  (await fetch(`${world.file.page}/desk.json?sub=${sub}`)).json() as Promise<Desk>

async function vend(sub: string) {
  const authorization = `Bearer ${await world.identityProvider.sign({ sub })}`
  const response = await fetch(`${world.file.api}/client-session`, {
    method: 'POST',
    headers: { authorization },
  })
  return { authorization, ...((await response.json()) as { token: string }) }
}

/** What the page is told about the acts so far. */
async function seen(count: number): Promise<{ text: string; observations: Observation[] }> {
  const response = await fetch(`${world.file.page}/seen`)
  let text = ''
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk
    const observations = [...text.matchAll(/^data: (\{.*\})$/gm)].map(([, json = '']) => JSON.parse(json))
    if (observations.length >= count) return { text, observations }
  }
  throw new Error('The page is told nothing.')
}

describe('the operator’s buttons', () => {
  it('do what they say, and tell what the record then holds', async () => {
    const held = async () => (await desk('grace')).record?.connected_account_ids
    const account = (await desk('grace')).accounts.find(({ whose }) => whose === 'grace@example.com')
    expect(account).toMatchObject({ provider: 'schlage', devices: ['Harbour Office'] })
    const connected_account_id = account?.connected_account_id ?? ''
    expect(await held()).toEqual([connected_account_id])
    const withdrawn = await wish({ act: 'withdraw', sub: 'grace', connected_account_id })
    expect(await withdrawn.json()).toEqual({ request_id: expect.stringMatching(/^[0-9a-f-]{36}$/) })
    expect(await held()).toEqual([])
    await wish({ act: 'grant', sub: 'grace', connected_account_id })
    expect(await held()).toEqual([connected_account_id])
  })

  it('say in a sentence what fails', async () => {
    const failed = await wish({ act: 'withdraw', sub: 'nobody', connected_account_id: 'x' })
    expect([failed.status, await failed.json()]).toEqual([
      502,
      { error: expect.stringMatching(/^\S.* .*\.$/) },
    ])
  })

  it('obey this page alone', async () => {
    const sites = ['https://elsewhere.example', world.file.api, '', 'null']
    for (const site of sites)
      expect((await wish({ act: 'disable', sub: 'ada' }, site)).status, site).toBe(403)
    expect((await desk('ada')).record?.status).toBe('active')
  })

  it('know no other acts', async () => {
    for (const body of [{}, { act: 'drop' }, { act: 'disable' }, { act: 'mend', more: 1 }])
      expect((await wish(body)).status).toBe(400)
  })
})

it('a name that somebody else’s site gives this address opens nothing', async () => {
  const asked = async (path: string) =>
    new Promise((resolve) =>
      request(`${world.file.page}${path}`, { headers: { host: 'elsewhere.example' } }, (response) => {
        response.resume()
        resolve(response.statusCode)
      }).end(),
    )
  for (const path of ['/', '/facts.json', '/seen', '/desk.json?sub=ada']) expect(await asked(path)).toBe(421)
})

it('by the other name of this machine it leads to its own', async () => {
  const { port } = new URL(world.file.page)
  const { status, headers } = await fetch(`http://localhost:${port}/`, { redirect: 'manual' })
  expect([status, headers.get('location')]).toEqual([302, world.file.page])
})

it('what is told of an act are names and times, and no secret', async () => {
  const { token, authorization } = await vend('alan')
  const { text, observations } = await seen(1)
  const made = observations.find(({ audit }) => audit.status === 201)
  expect(made?.calls).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ part: 'table', name: 'readUser', failed: false }),
      expect.objectContaining({ part: 'seam', name: 'getOrCreate', failed: false }),
    ]),
  )
  for (const { took } of made?.calls ?? []) expect(took).toBeGreaterThan(0)
  const keys = world.seam?.sessions().flatMap(({ user_identifier_key }) => user_identifier_key ?? []) ?? []
  expect(keys.length).toBeGreaterThan(0)
  for (const secret of [token, authorization.slice(7), world.file.seam_api_key ?? '', ...keys])
    expect(text).not.toContain(secret)
})
