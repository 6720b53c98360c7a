import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { localFolder, readEnvironment } from '../../../infra/local/environment.ts'

const configuration = {
  deployment: 'mine',
  issuers: [{ name: 'mine', issuer: 'http://127.0.0.1:9000', audiences: ['my-app'] }],
  allowedOrigins: ['https://app.example'],
}

it('needs nothing to be said', () => {
  expect(readEnvironment({})).toEqual({
    folder: resolve('.local'),
    port: 4800,
    usualPorts: { identity_provider: 4801, seam: 4802, page: 4803 },
  })
})

it('takes an empty variable for none', () => {
  expect(readEnvironment({ LOCAL_DIR: '', PORT: '', TOKEN_VENDING: '', SEAM_ENDPOINT: '' })).toEqual(
    readEnvironment({}),
  )
})

it('takes a folder from where the command runs', () => {
  expect(localFolder({ LOCAL_DIR: 'elsewhere' })).toBe(resolve('elsewhere'))
})

it('takes 0 for any free port', () => {
  expect(readEnvironment({ PORT: '0' }).port).toBe(0)
})

it('takes the origin of a page under development', () => {
  expect(readEnvironment({ ORIGIN: 'http://localhost:5173' }).origin).toBe('http://localhost:5173')
})

it('takes a configuration, plain http on this machine included, with its defaults', () => {
  expect(readEnvironment({ TOKEN_VENDING: JSON.stringify(configuration) }).configuration).toMatchObject({
    ...configuration,
    unknownSubjects: 'reject',
  })
})

it('takes a real workspace, and leaves it alone without its address', () => {
  const seam = { SEAM_ENDPOINT: 'https://connect.getseam.com/', SEAM_API_KEY: 'seam_key' }
  expect(readEnvironment(seam).seam).toEqual({ url: 'https://connect.getseam.com', apiKey: 'seam_key' })
  expect(readEnvironment({ ...seam, SEAM_API_KEY: 'seam_key\n' }).seam?.apiKey).toBe('seam_key')
  expect(readEnvironment({ SEAM_API_KEY: 'seam_key' }).seam).toBeUndefined()
})

it.each([
  [{ PORT: '80a' }, 'PORT is "80a"; give a number'],
  [{ PORT: '65536' }, 'PORT is "65536"; give a number'],
  [{ ORIGIN: 'http://localhost:5173/' }, 'without a slash at the end'],
  [{ ORIGIN: 'localhost:5173' }, 'give that of your page'],
  [{ ORIGIN: '*' }, 'give that of your page'],
  [{ ORIGIN: 'https://*.app.example' }, 'give an exact origin'],
  [{ ORIGIN: 'capacitor://localhost' }, 'list "https://localhost"'],
  [{ TOKEN_VENDING: '{"deployment"' }, 'TOKEN_VENDING is not JSON'],
  [{ TOKEN_VENDING: 'cdk.json' }, 'not the name of its file'],
  [{ TOKEN_VENDING: '{"deployment":"mine"}' }, 'TOKEN_VENDING cannot be used:\ntokenVending.issuers: '],
  [
    { TOKEN_VENDING: JSON.stringify(configuration).replace('127.0.0.1', 'login.example') },
    'tokenVending.issuers[0].issuer: give an https:// address',
  ],
  [{ SEAM_ENDPOINT: 'http://seam.example', SEAM_API_KEY: 'seam_key' }, 'give an https:// address'],
  [{ SEAM_ENDPOINT: 'https://key@seam.example', SEAM_API_KEY: 'seam_key' }, 'give an https:// address'],
  [{ SEAM_ENDPOINT: 'seam.example', SEAM_API_KEY: 'seam_key' }, 'give an https:// address'],
  [{ SEAM_ENDPOINT: 'https://*.seam.example', SEAM_API_KEY: 'seam_key' }, 'give an https:// address'],
  [{ SEAM_ENDPOINT: 'https://:pass@seam.example', SEAM_API_KEY: 'seam_key' }, 'give an https:// address'],
  [{ SEAM_ENDPOINT: 'https://seam.example', SEAM_API_KEY: '"seam_key"' }, 'SEAM_API_KEY cannot be used'],
  [{ SEAM_ENDPOINT: 'https://seam.example' }, 'a real workspace needs both'],
])('%j is refused in a sentence', (environment, message) => {
  expect(() => readEnvironment(environment)).toThrow(
    expect.objectContaining({ name: 'CliError', message: expect.stringContaining(message) }),
  )
})

describe('--own and --stage', () => {
  const project = mkdtempSync(join(tmpdir(), 'own-'))
  afterAll(() => rmSync(project, { recursive: true }))
  const write = (...stages: string[]) =>
    writeFileSync(
      join(project, 'token-vending.json'),
      JSON.stringify(
        Object.fromEntries(
          stages.map((name) => [name, { tokenVending: { ...configuration, deployment: name } }]),
        ),
      ),
    )

  it('take the configuration of token-vending.json, whose only stage needs no name', () => {
    write('mine')
    expect(readEnvironment({}, ['--own'], project).configuration).toMatchObject(configuration)
    write('mine', 'other')
    expect(readEnvironment({}, ['--stage', 'other'], project).configuration?.deployment).toBe('other')
    expect(readEnvironment({}, [], project).configuration).toBeUndefined()
  })

  it.each([
    [['--own'], 'has mine, other; choose one with --stage NAME'],
    [['--stage', 'prd'], 'no "prd"; choose one of mine, other'],
    [['--owm'], 'npm start takes --own, --stage NAME, and --reset'],
    [['own'], 'npm start takes --own, --stage NAME, and --reset'],
  ])('%j is refused in a sentence', (words, message) => {
    write('mine', 'other')
    expect(() => readEnvironment({}, words, project)).toThrow(
      expect.objectContaining({ name: 'CliError', message: expect.stringContaining(message) }),
    )
  })
})
