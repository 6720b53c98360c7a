import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endpointFindings, vendFindings } from '../../../../infra/cli/doctor/endpoint.ts'
import { startWorld, type World } from '../../../../infra/local/world.ts'
import { listen, stopListening } from '../../../loopback.ts'
import { exampleConfiguration } from '../../stack/stack.ts'
import { consult } from './consulting.ts'

let folder: string
let world: World
let careless: Server
let address: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doctor-'))
  world = await startWorld({ folder })
  // Healthy, and wrong in everything else.
  careless = createServer((request, response) => {
    response.writeHead(200, { 'access-control-allow-origin': '*', 'content-type': 'application/json' })
    response.end(request.url === '/healthz' ? '{"status":"ok"}' : '{}')
  })
  address = await listen(careless, 0, 'the endpoint')
})
afterAll(async () => {
  await Promise.all([world.close(), stopListening(careless)])
  await rm(folder, { recursive: true })
})

const red = (findings: { what: string; state: string }[]) =>
  findings.filter(({ state }) => state === 'bad').map(({ what }) => what)

test('an endpoint of ours is well, for the origins that may call it', async () => {
  expect(red(await endpointFindings(world.file.api, [world.file.page]))).toEqual([])
  expect(red(await endpointFindings(world.file.api, ['https://app.example']))).toEqual([
    'origin https://app.example',
  ])
})

test('a challenge under the name that AWS may give it is as good', async () => {
  const renaming = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request
    const answer = await fetch(`${world.file.api}${url}`, { method, headers: headers as HeadersInit })
    for (const [name, value] of answer.headers)
      response.setHeader(name === 'www-authenticate' ? `x-amzn-remapped-${name}` : name, value)
    response.writeHead(answer.status).end(await answer.text())
  })
  const findings = await endpointFindings(await listen(renaming, 0, 'the endpoint'), [])
  await stopListening(renaming)
  expect(findings).toMatchObject([
    { what: 'endpoint', state: 'good' },
    { what: 'without a token', state: 'good' },
    { what: 'with a wrong token', state: 'good' },
    {},
    {},
    {},
  ])
})

test('one that lets everybody in is red in every line', async () => {
  expect(red(await endpointFindings(address, ['https://app.example']))).toEqual([
    'without a token',
    'with a wrong token',
    'unsigned webhook',
    'unsigned identity event',
    'origin https://app.example',
    'other origins',
  ])
})

test('one that takes any token is red for those that are forged, expired or meant for others', async () => {
  const token = await world.identityProvider.sign({ sub: 'ada' })
  const request = { method: 'POST', headers: { authorization: `Bearer ${token}` } }
  const vended = await (await fetch(`${world.file.api}/client-session`, request)).json()
  const trusting = createServer((_, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(vended))
  })
  const findings = await vendFindings(await listen(trusting, 0, 'the endpoint'), token)
  await stopListening(trusting)
  expect(red(findings)).toEqual([
    'with a forged token',
    'with an expired token',
    'with a foreign audience',
    'a sign-out',
  ])
})

test('a token of somebody who is refused tries the others too; one that is no JWT tries itself alone', async () => {
  const token = await world.identityProvider.sign({ sub: 'ada', aud: 'another-service' })
  const findings = await vendFindings(world.file.api, token)
  expect(findings.map(({ what, state }) => `${what}: ${state}`)).toEqual([
    'with a forged token: good',
    'with an expired token: good',
    'with a foreign audience: good',
    'a vend: bad',
  ])
  expect(await vendFindings(world.file.api, 'opaque')).toMatchObject([{ what: 'a vend', state: 'bad' }])
})

test('where nobody answers, or somebody else does, there is only that to say', async () => {
  expect(await endpointFindings(world.file.page, [])).toMatchObject([{ what: 'endpoint', state: 'bad' }])
  expect(await endpointFindings('http://127.0.0.1:1', [])).toMatchObject([{ what: 'endpoint', state: 'bad' }])
})

describe('npm run doctor -- --endpoint', () => {
  test('the configuration of a bare checkout is red by name', async () => {
    const context = { tokenVending: exampleConfiguration }
    await writeFile(join(folder, 'cdk.json'), JSON.stringify({ context }))
    const { code, about } = await consult(['--endpoint', world.file.api], {}, '', folder)
    expect(about('endpoint')?.state).toBe('good')
    expect([code, about('cdk.json')]).toEqual([
      1,
      expect.objectContaining({ state: 'bad', said: expect.stringContaining('https://issuer.example') }),
    ])
    expect(about('what is behind it')?.state).toBe('unknown')
  })

  test.each([
    [['--endpoint', 'http://vending.example'], 'https://'],
    [['--endpoint', 'https://me:secret@vending.example'], 'https://'],
    [['--stack', 'doors', '--endpoint', 'https://vending.example'], '--stack or --endpoint'],
    [['--token', 'seam.bearer.token'], 'standard input'],
    [['--tokens'], 'Did you mean --token?'],
  ])('%j is not understood, in a sentence that helps', async (words, sentence) => {
    const { code, err, findings } = await consult(words, { LOCAL_DIR: folder })
    expect([code, findings]).toEqual([2, []])
    expect(err).toContain(sentence)
    expect(err).not.toContain('secret@')
  })
})
