import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readConfiguration } from '../../../functions/config.ts'
import { runProgram } from '../../../infra/cli/program.ts'
import providers from '../../../infra/identity-providers.json' with { type: 'json' }
import { chooseStage, propsOf, readStages } from '../../../infra/stage.ts'
import { heard } from '../../leaks.ts'
import { runIn } from './terminal.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'init-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const init = (...words: string[]) => runIn(folder, ['init', ...words])
const written = () => JSON.parse(readFileSync(join(folder, 'token-vending.json'), 'utf8'))
const auth0 = [
  ...['--provider', 'auth0', '--issuer', 'https://acme.eu.auth0.com/', '--audience', 'https://doors.example'],
  ...['--origin', 'https://app.example', '--deployment', 'prod'],
]

describe('with options', () => {
  test('writes what the schema accepts, under the deployment’s name or another', async () => {
    const { code, out } = await init(...auth0, '--alarm-email', 'ops@acme.example', '--audience', 'second')
    expect([code, out]).toEqual([0, expect.stringContaining('has the stage prod')])
    expect(written()).toEqual({
      prod: {
        tokenVending: {
          deployment: 'prod',
          issuers: [
            {
              name: 'auth0',
              issuer: 'https://acme.eu.auth0.com/',
              audiences: ['https://doors.example', 'second'],
              algorithms: ['RS256'],
            },
          ],
          allowedOrigins: ['https://app.example'],
        },
        tokenVendingStack: { alarmEmail: 'ops@acme.example' },
      },
    })
    const stage = chooseStage(readStages(folder), undefined)
    expect(readConfiguration(propsOf(stage).configuration).deployment).toBe('prod')
  })

  test('sets any other setting by its path, also of the stack', async () => {
    const set = ['limits.accountsPerUser=100', 'issuers[0].typ=at+jwt', 'tokenVendingStack.vendConcurrency=5']
    expect((await init(...auth0, '--stage', 'eu', ...set.flatMap((one) => ['--set', one]))).code).toBe(0)
    expect(written().eu).toMatchObject({
      tokenVending: { limits: { accountsPerUser: 100 }, issuers: [{ typ: 'at+jwt' }] },
      tokenVendingStack: { vendConcurrency: 5 },
    })
  })

  test('fills a provider’s template from the issuer, and names what is left of it', async () => {
    const words = ['--provider', 'entra', '--issuer', 'https://login.microsoftonline.com/f00d/v2.0']
    const rest = ['--audience', 'a', '--origin', 'https://app.example', '--deployment', 'prod']
    const { code, err } = await init(...words, ...rest)
    expect([code, err]).toEqual([
      2,
      expect.stringContaining("--set 'issuers.0.claimRules.1.contains=<scope>'"),
    ])
    await init(...words, ...rest, '--set', 'issuers.0.claimRules.1.contains=doors')
    expect(written().prod.tokenVending.issuers[0].claimRules).toEqual([
      { claim: '/tid', equals: 'f00d' },
      { claim: '/scp', contains: 'doors' },
    ])
  })

  test.each(Object.entries(providers))('knows %s', async (provider, { settings }) => {
    const made = settings.issuer.replaceAll(/<[^>]+>/g, 'acme')
    const words = ['--provider', provider, '--issuer', made, '--audience', 'a', '--deployment', 'prod']
    const left = JSON.stringify(settings).includes('<scope>') ? ['issuers.0.claimRules.1.contains=doors'] : []
    const sets = left.flatMap((one) => ['--set', one])
    expect(await init(...words, '--origin', 'https://app.example', ...sets)).toMatchObject({
      code: 0,
      err: '',
    })
    expect(JSON.stringify(written())).not.toContain('<')
  })

  test('leaves a file alone that exists, and with --force its other stages', async () => {
    await init(...auth0)
    const before = written()
    expect(await init(...auth0, '--audience', 'b')).toMatchObject({ code: 4, out: '' })
    expect(written()).toEqual(before)
    expect((await init(...auth0, '--stage', 'dev', '--force')).code).toBe(0)
    expect(Object.keys(written())).toEqual(['prod', 'dev'])
  })

  test('does not replace a file whose stages it cannot read, with --force either', async () => {
    const file = join(folder, 'token-vending.json')
    for (const broken of ['broken', '[]', '{ "prod": {} }']) {
      writeFileSync(file, broken)
      const { code, err } = await init(...auth0, '--force')
      expect([code, err]).toEqual([2, expect.stringContaining('token-vending.json: give { "<stage>":')])
      expect(readFileSync(file, 'utf8')).toBe(broken)
    }
  })
})

describe('without a terminal', () => {
  test('names all that is missing, and writes nothing', async () => {
    const { code, err } = await init('--audience', 'a')
    expect([code, err.split('.')[0]]).toEqual([
      2,
      'Missing: --provider <key>, --issuer <url>, --origin <origin>, --deployment <name>',
    ])
    expect((await init('--provider', 'google', '--deployment', 'prod')).err).toMatch(
      /^Missing: --audience <audience>, --origin <origin>\./,
    )
    expect(() => written()).toThrow('ENOENT')
  })

  test.each<[string, string[], string]>([
    ['a provider that is none', ['--provider', 'okto'], "'okto' is invalid. Allowed choices are auth0, "],
    ['a wildcard as origin', ['--origin', '*'], 'tokenVending.allowedOrigins[1]: '],
    ['plain http', ['--issuer', 'http://login.example'], 'tokenVending.issuers[0].issuer: '],
    [
      'an address that is none',
      ['--alarm-email', 'ops'],
      'tokenVendingStack.alarmEmail: give an e-mail address',
    ],
    ['a path without its value', ['--set', 'limits.accountsPerUser'], 'is not path=value'],
    ['a path to a prototype', ['--set', '__proto__.x=1'], 'is not path=value'],
    ['a setting that is none', ['--set', 'limit.x=1'], 'tokenVending: unknown: limit'],
  ])('%s is refused, and nothing is written', async (_, words, sentence) => {
    const { code, out, err } = await init(...auth0, ...words)
    expect([code, out, err]).toEqual([2, '', expect.stringContaining(sentence)])
    expect(() => written()).toThrow('ENOENT')
  })
})

test('on a terminal it asks for what is missing, until there is an answer', async () => {
  const [stdout, stderr] = [heard(new PassThrough()), heard(new PassThrough())]
  const printed = Promise.all([text(stdout), text(stderr)])
  const keys = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => keys })
  const answers: [string, string[]][] = [
    ['identity provider', ['', 'other']],
    ['issuer, ', ['https://login.example']],
    ['audience, ', ['doors']],
    ['origin of', ['https://app.example']],
  ]
  stderr.on('data', (chunk: string) => {
    for (const [question, typed] of answers)
      if (chunk.includes(question) && typed.length > 0) keys.write(`${typed.shift()}\r`)
  })
  const words = ['init', '--deployment', 'prod']
  const code = await runProgram(words, {}, { stdin: keys, stdout, stderr }, { folder })
  stdout.end()
  stderr.end()
  const [, err] = await printed
  expect(code).toBe(0)
  expect(err.match(/identity provider/g)?.length).toBeGreaterThan(1)
  expect(written().prod.tokenVending).toMatchObject({
    issuers: [{ name: 'main', issuer: 'https://login.example', audiences: ['doors'] }],
  })
})
