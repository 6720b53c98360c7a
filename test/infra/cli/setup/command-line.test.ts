import { PassThrough } from 'node:stream'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { runProgram } from '../../../../infra/cli/program.ts'
import { type LocalSeam, startSeam } from '../../../../infra/local/seam/workspace.ts'
import { heard } from '../../../leaks.ts'
import { type Cloud, someOutputs, startCloud } from '../aws/cloud.ts'
import { run, runHere } from '../aws/command.ts'
import { textOf } from '../terminal.ts'

let cloud: Cloud
let seam: LocalSeam
beforeAll(async () => {
  cloud = await startCloud()
})
afterAll(() => cloud.close())
beforeEach(async () => {
  seam = await startSeam()
  cloud.stacks.set('doors', someOutputs({ SeamEndpoint: seam.url, Endpoint: 'https://doors.example' }))
  cloud.secrets.clear()
  cloud.denied.clear()
  cloud.calls.length = 0
  delete cloud.workspaceId
})
afterEach(() => seam.close())

const setup = async (typed: string, ...options: string[]) => {
  const words = ['setup', '--stack', 'doors', ...options]
  const ran = await runHere(
    (streams) => runProgram(words, cloud.environment, streams, { sleep: async () => {} }),
    cloud.environment,
    typed,
  )
  expect(ran.out + ran.err).not.toContain(seam.apiKey)
  for (const { secret = '' } of seam.webhooks.list()) expect(ran.out + ran.err).not.toContain(secret)
  return ran
}
const stored = (name: string) => cloud.secrets.get(`the-${name}`)
const storedSecrets = () => JSON.parse(stored('WebhookSecretsSecret') ?? '[]')
const secretsAtSeam = () => seam.webhooks.list().map(({ secret }) => secret)

describe('npm run setup', () => {
  test('stores the key, makes Seam’s webhook, and says what is next', async () => {
    const { code, out, err } = await setup(`${seam.apiKey}\ny\n`)
    expect([code, err]).toEqual([0, expect.stringContaining('nothing is shown')])
    expect(out).toContain('Local workspace (a sandbox workspace)')
    expect(out).toContain('Publishable-key access is off.')
    expect(out).toContain('doctor --stack doors')
    expect(stored('SeamApiKeySecret')).toBe(seam.apiKey)
    expect(seam.webhooks.list()).toMatchObject([
      {
        url: 'https://doors.example/webhooks/seam',
        event_types: expect.arrayContaining(['connected_account.deleted']),
      },
    ])
    expect(storedSecrets()).toEqual(secretsAtSeam())
  })

  test('may be run again: Enter keeps the key, and nothing is made twice', async () => {
    await setup(`${seam.apiKey}\ny\n`)
    const [before, webhooks] = [new Map(cloud.secrets), seam.webhooks.list()]
    cloud.calls.length = 0
    const { code, out } = await setup('\n')
    expect([code, out]).toEqual([0, expect.stringContaining('already')])
    expect([cloud.secrets, seam.webhooks.list()]).toEqual([before, webhooks])
    expect(cloud.calls).not.toContain('secretsmanager:PutSecretValue')
  })

  test('finishes what was cut short between Seam and the store', async () => {
    cloud.denied.add('secretsmanager:PutSecretValue')
    const refused = await setup(`${seam.apiKey}\n`, '--yes')
    expect([refused.code, refused.err]).toEqual([4, expect.stringContaining('secretsmanager:PutSecretValue')])
    cloud.denied.clear()
    seam.webhooks.add('https://doors.example/webhooks/seam')
    expect((await setup(`${seam.apiKey}\n`, '--yes')).code).toBe(0)
    expect(storedSecrets()).toEqual(secretsAtSeam())
  })

  test('finishes a renewal that was cut short: one webhook is left, whose secret is stored', async () => {
    await setup(`${seam.apiKey}\n`, '--yes')
    const before = storedSecrets()
    cloud.denied.add('secretsmanager:PutSecretValue')
    expect((await setup('\n', '--yes', '--renew-webhook')).code).toBe(4)
    cloud.denied.clear()
    expect(secretsAtSeam()).toHaveLength(2)
    expect((await setup('\n', '--yes')).code).toBe(0)
    expect([secretsAtSeam(), storedSecrets()]).toEqual([before, before])

    seam.faults.add({ kind: 'status', status: 500, path: '/webhooks/delete', times: 1 })
    expect((await setup('\n', '--yes', '--renew-webhook')).code).toBe(6)
    expect((await setup('\n', '--yes')).code).toBe(0)
    const [renewed] = storedSecrets()
    expect([secretsAtSeam(), before]).toEqual([[renewed], expect.not.arrayContaining([renewed])])
  })

  test('makes a webhook anew that hears too little, and leaves others alone', async () => {
    seam.webhooks.add('https://doors.example/webhooks/seam', ['connected_account.created'])
    const other = seam.webhooks.add('https://elsewhere.example/webhooks/seam')
    expect((await setup(`${seam.apiKey}\n`, '--yes')).code).toBe(0)
    const [kept, ours, ...more] = seam.webhooks.list()
    expect([kept?.webhook_id, more]).toEqual([other.webhook_id, []])
    expect(storedSecrets()).toEqual([ours?.secret])
  })

  test('renews the webhook’s secret, and believes the one before for now', async () => {
    await setup(`${seam.apiKey}\n`, '--yes')
    const [first] = storedSecrets()
    await setup('\n', '--yes', '--renew-webhook')
    const [second] = secretsAtSeam()
    expect(secretsAtSeam()).toHaveLength(1)
    expect(storedSecrets()).toEqual([second, first])
    await setup('\n', '--yes', '--renew-webhook')
    expect(storedSecrets()).toEqual([...secretsAtSeam(), second])
  })

  test('overwrites no webhook secrets that it does not understand', async () => {
    cloud.secrets.set('the-WebhookSecretsSecret', 'whsec_typed_by_hand')
    const { code, err } = await setup(`${seam.apiKey}\n`, '--yes')
    expect([code, err]).toEqual([4, expect.stringContaining('not a JSON list')])
    expect([stored('WebhookSecretsSecret'), seam.webhooks.list()]).toEqual(['whsec_typed_by_hand', []])
  })
})

describe('an API key', () => {
  test.each([
    ['that Seam does not accept', 'seam_nobody', 'does not accept'],
    ['that is a client session token', 'seam_cst_some', 'client session token'],
    ['that is a publishable key', 'seam_pk_some', 'publishable key'],
    ['that no header can carry', 'seam_kéy', 'not an API key'],
    ['in quotes', '"seam_key"', 'no quotes, no JSON'],
    ['in JSON', '{"key":"seam_key"}', 'no quotes, no JSON'],
  ])('%s is not stored, and not shown', async (_, key, sentence) => {
    const { code, out, err } = await setup(`${key}\n`, '--yes')
    expect([code, err]).toEqual([4, expect.stringContaining(sentence)])
    expect(out + err).not.toContain(key)
    expect(cloud.secrets.size).toBe(0)
  })

  test('of another workspace than the records’ is not stored', async () => {
    cloud.workspaceId = 'another'
    const { code, err } = await setup(`${seam.apiKey}\n`, '--yes')
    expect([code, err]).toEqual([4, expect.stringContaining('belong to another workspace')])
    expect(cloud.secrets.size).toBe(0)
    cloud.workspaceId = seam.workspaceId
    expect((await setup(`${seam.apiKey}\n`, '--yes')).code).toBe(0)
  })

  test('that was stored in another form is refused with the reason, and with a line end is tidied up', async () => {
    cloud.secrets.set('the-SeamApiKeySecret', JSON.stringify({ key: seam.apiKey }))
    const { code, out, err } = await setup('\n', '--yes')
    expect([code, err]).toEqual([4, expect.stringContaining('no quotes, no JSON')])
    expect(out + err).not.toContain(seam.apiKey)
    cloud.secrets.set('the-SeamApiKeySecret', `${seam.apiKey}\n`)
    expect((await setup('\n', '--yes')).code).toBe(0)
    expect(stored('SeamApiKeySecret')).toBe(seam.apiKey)
  })

  test('is stored also by whom the table is closed to, who is told so', async () => {
    cloud.denied.add('dynamodb:GetItem')
    const { code, out } = await setup(`${seam.apiKey}\n`, '--yes')
    expect([code, out]).toEqual([0, expect.stringContaining('Could not look up')])
  })

  test('is not stored by who says no, or nothing', async () => {
    expect((await setup(`${seam.apiKey}\nn\n`)).code).toBe(4)
    expect((await setup(seam.apiKey)).code).toBe(6)
    expect((await setup('\n')).code).toBe(2)
    expect(cloud.secrets.size).toBe(0)
  })

  test('is typed unseen at a terminal, and what is asked next is seen', async () => {
    const [stdout, stderr] = [heard(new PassThrough()), heard(new PassThrough())]
    const printed = Promise.all([textOf(stdout), textOf(stderr)])
    const keys = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => keys })
    stderr.on('data', (chunk: string) => {
      if (chunk.includes('nothing is shown')) keys.write(`${seam.apiKey}\r`)
      if (chunk.includes('Store it?')) keys.write('\u001b[Ay\r')
    })
    const words = ['setup', '--stack', 'doors']
    const command = () => runProgram(words, cloud.environment, { stdin: keys, stdout, stderr })
    expect((await runHere(command, cloud.environment)).code).toBe(0)
    stdout.end()
    stderr.end()
    const [out, err] = await printed
    expect(stored('SeamApiKeySecret')).toBe(seam.apiKey)
    expect(out + err).not.toContain(seam.apiKey)
    expect(err).toContain('y')
  })

  test('in an argument is refused without being repeated', async () => {
    const { code, out, err } = await setup('', seam.apiKey)
    expect([code, out, err]).toEqual([2, '', expect.stringContaining('make another one')])
  })
})

describe('publishable-key access', () => {
  const isOn = async () => {
    const headers = { authorization: `Bearer ${seam.apiKey}` }
    const answer = await fetch(`${seam.url}/workspaces/get`, { method: 'POST', headers })
    const { workspace } = (await answer.json()) as { workspace: { is_publishable_key_auth_enabled: boolean } }
    return workspace.is_publishable_key_auth_enabled
  }
  beforeEach(async () => {
    await fetch(`${seam.url}/workspaces/update`, {
      method: 'POST',
      headers: { authorization: `Bearer ${seam.apiKey}`, 'content-type': 'application/json' },
      body: '{"is_publishable_key_auth_enabled":true}',
    })
  })

  test('is switched off by who says yes', async () => {
    expect(await isOn()).toBe(true)
    const { code, out } = await setup(`${seam.apiKey}\ny\nwhat?\nyes\n`)
    expect([code, out]).toEqual([0, expect.stringContaining('was switched off')])
    expect(await isOn()).toBe(false)
  })

  test('stays on for who says no, which is no success', async () => {
    const { code, out } = await setup(`${seam.apiKey}\ny\nn\n`)
    expect([code, out]).toEqual([4, expect.stringContaining('still on')])
    expect(await isOn()).toBe(true)
  })

  test('that Seam will not switch off is told in one sentence', async () => {
    seam.faults.add({ kind: 'status', status: 403, path: '/workspaces/update', body: 'json' })
    const { code, err } = await setup(`${seam.apiKey}\n`, '--yes')
    expect([code, err]).toEqual([4, expect.stringContaining('Seam refused workspaces/update (403 fault)')])
  })
})

describe('what is typed', () => {
  test('no stack, a misspelt option, and help', async () => {
    for (const words of [[], ['--stak', 'doors']])
      expect(await run(['setup', ...words], cloud.environment)).toMatchObject({ code: 2, out: '' })
    const help = await run(['setup', '--help'], cloud.environment)
    expect([help.code, help.out]).toEqual([0, expect.stringContaining('--rotate-sealing-key')])
  })

  test('a stack that is none', async () => {
    const { code, err } = await run(['setup', '--stack', 'windows'], cloud.environment)
    expect([code, err]).toEqual([2, expect.stringContaining('no stack "windows"')])
  })
})
