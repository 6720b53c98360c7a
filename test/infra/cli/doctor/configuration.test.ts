import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runIn } from '../terminal.ts'

const own = {
  deployment: 'own',
  issuers: [{ name: 'own', issuer: 'http://127.0.0.1:1', audiences: ['app'] }],
  allowedOrigins: ['https://app.own.example'],
}

/** A project's folder with these files. */
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doctor-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** In that folder; at its endpoint nobody answers. */
async function doctor(cdkJson: unknown, ...words: string[]): Promise<{ code: number; out: string }> {
  await writeFile(join(folder, 'cdk.json'), typeof cdkJson === 'string' ? cdkJson : JSON.stringify(cdkJson))
  return runIn(folder, ['doctor', '--endpoint', 'http://127.0.0.1:1', ...words])
}

test('of one’s own can be deployed', async () => {
  const { code, out } = await doctor({ context: { tokenVending: own } })
  expect([code, out]).toEqual([1, expect.stringMatching(/^ok +cdk\.json +can be deployed$/m)])
  expect(out).toMatch(/^RED +issuer own +http:\/\/127\.0\.0\.1:1 cannot be reached → /m)
})

test.each<[string, unknown, RegExp]>([
  ['that is no JSON', '{"context":', /cdk\.json is not JSON; correct it/],
  [
    'that lacks an issuer',
    { context: { tokenVending: { ...own, issuers: [] } } },
    /list at least one issuer/,
  ],
])('one %s is red, with what to change', async (_, cdkJson, said) => {
  const { code, out } = await doctor(cdkJson)
  expect([code, out]).toEqual([1, expect.stringMatching(/^RED +cdk\.json +cannot be used → /m)])
  expect(out).toMatch(said)
})

test('of a stage is looked at in its place, and a stage that there is not is red', async () => {
  const file = join(folder, 'token-vending.json')
  await writeFile(file, JSON.stringify({ prod: { tokenVending: own } }))
  expect((await doctor({}, '--stage', 'prod')).out).toMatch(/^ok +stage prod +can be deployed$/m)
  expect((await doctor({}, '--stage', 'dev')).out).toMatch(/^RED +stage dev .*choose one of prod$/m)
  expect((await doctor({})).out).toMatch(/^ok +token-vending\.json +can be deployed$/m)
  await writeFile(file, '{')
  expect((await doctor({})).out).toMatch(/^RED +token-vending\.json +cannot be used → /m)
  await rm(file)
})

test('two issuers that share their subjects are to be looked at', async () => {
  const [issuer] = own.issuers
  const issuers = ['one', 'two'].map((name) => ({
    ...issuer,
    name,
    issuer: `http://127.0.0.1:1/${name}`,
    subjectNamespace: 'app',
  }))
  const { out } = await doctor({ context: { tokenVending: { ...own, issuers } } })
  expect(out).toMatch(/^look +cdk\.json +the issuers one, two share the subject namespace/m)
})
