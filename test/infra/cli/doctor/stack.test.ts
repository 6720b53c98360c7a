import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Configuration } from '../../../../functions/config.ts'
import { configurationHash } from '../../../../functions/http/health.ts'
import { findStack } from '../../../../infra/cli/aws/stack.ts'
import type { Finding } from '../../../../infra/cli/doctor/finding.ts'
import { stackFindings } from '../../../../infra/cli/doctor/stack.ts'
import { runProgram } from '../../../../infra/cli/program.ts'
import { startWorld, type World } from '../../../../infra/local/world.ts'
import { settingsOf } from '../../../../infra/stack/release.ts'
import { type Cloud, someOutputs, startCloud } from '../aws/cloud.ts'
import { runHere } from '../aws/command.ts'

/** The outputs and secrets of a stack at AWS, and behind its endpoint the local world. */
let folder: string
let world: World
let cloud: Cloud
let environment: Record<string, string>
let webhookSecret: string
let configuration: Configuration
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doctor-'))
  ;[world, cloud] = await Promise.all([startWorld({ folder }), startCloud()])
  const { api, table, seam } = world.file
  configuration = { ...world.file.configuration, allowedOrigins: [world.file.page] } as Configuration
  cloud.stacks.set(
    'doors',
    someOutputs({
      Endpoint: api,
      Table: table,
      SeamEndpoint: seam,
      ConfigurationHash: configurationHash(configuration),
    }),
  )
  environment = {
    ...cloud.environment,
    AWS_ENDPOINT_URL_DYNAMODB: world.file.dynamodb,
    AWS_ACCESS_KEY_ID: world.file.dynamodb_access_key_id,
  }
  const [webhook] = world.seam?.webhooks.list() ?? []
  webhookSecret = webhook?.secret ?? ''
})
beforeEach(() => {
  cloud.denied.clear()
  cloud.deleted.clear()
  cloud.subscriptions = { confirmed: 1, pending: 0 }
  cloud.secrets.set('the-SeamApiKeySecret', world.seam?.apiKey ?? '')
  cloud.secrets.set('the-WebhookSecretsSecret', JSON.stringify([webhookSecret]))
  cloud.secrets.set('the-SealingKeySecret', JSON.stringify({ current: randomUUID() }))
})
afterAll(async () => {
  await Promise.all([world.close(), cloud.close()])
  await rm(folder, { recursive: true })
})

async function look(token?: string, here = configuration) {
  const findings: Finding[] = []
  await runHere(async () => {
    for await (const finding of stackFindings(await findStack('doors', environment), here, token))
      findings.push(finding)
    return 0
  }, environment)
  return {
    findings,
    red: findings.filter(({ state }) => state === 'bad'),
    about: (what: string) => findings.find((finding) => finding.what === what),
  }
}

test('a stack that is well is seen from its endpoint to its secrets, none of which is shown', async () => {
  const { findings, red } = await look(await world.identityProvider.sign({ sub: 'ada' }))
  // The local engine has neither, and is asked as DynamoDB is.
  const missing = ['time to live', 'point-in-time recovery']
  expect(red.filter(({ what }) => !missing.includes(what))).toEqual([])
  expect(findings.filter(({ state }) => state === 'good').map(({ what }) => what)).toEqual(
    expect.arrayContaining([
      'stack',
      'deployed configuration',
      'endpoint',
      `origin ${world.file.page}`,
      'table',
      'Seam API key',
      'publishable-key access',
      'webhook',
      'webhook secret',
      'webhook secrets',
      'sealing key',
      'alarms',
      'a vend',
      'a sign-out',
    ]),
  )
  for (const secret of cloud.secrets.values()) expect(JSON.stringify(findings)).not.toContain(secret)
  expect(cloud.calls.filter((call) => !/Describe|Get|ListStacks/.test(call))).toEqual([])
})

test('what is deployed is compared with what stands here, setting by setting', async () => {
  cloud.metadata = {
    'Doors Commit': 'abc',
    ...settingsOf(configuration, 'Doors.'),
    'Windows.generation': 7,
  }
  const issuers = configuration.issuers.map((issuer) => ({ ...issuer, typ: 'at+jwt' }))
  const limits = { ...configuration.limits, requestsPerSecond: 60 }
  const other = await look(undefined, { ...configuration, limits, issuers })
  expect(other.about('deployed configuration')).toMatchObject({
    state: 'look',
    said: expect.stringMatching(
      /differs: limits\.requestsPerSecond is 50, here 60; issuers\.local\.typ is absent, here "at\+jwt"$/,
    ),
  })
  cloud.denied.add('cloudformation:GetTemplateSummary')
  const { about } = await look(undefined, { ...configuration, limits })
  expect(about('deployed configuration')?.said).toContain('cloudformation:GetTemplateSummary')
})

const idOf = (name: string) => `arn:aws:cloudformation:eu-central-1:111122223333:stack/${name}/0a1b`
const resourcesOf = (table: string): [string, string, string, string?][] => [
  ['AWS::DynamoDB::Table', 'DoorsRecordsTable86B470AA', table],
  ['AWS::SecretsManager::Secret', 'DoorsSecretsSealingKeyFDE32A5D', 'arn:the-old-key'],
  ['AWS::SecretsManager::Secret', 'DoorsSecretsSeamApiKey9BC705A1', 'arn:gone', 'DELETE_COMPLETE'],
  ['AWS::Logs::LogGroup', 'DoorsAdminLog7EFED2F6', 'old-admin'],
  ['AWS::Logs::LogGroup', 'DoorsVendLog8BFE2CCA', 'old-vend'],
]

test('what a deleted stack has left is named, as it would be adopted, until it is in use or gone', async () => {
  cloud.deleted.set(idOf('doors'), resourcesOf(world.file.table))
  expect((await look()).about('kept data')).toBeUndefined()
  cloud.deleted.set(idOf('doors'), resourcesOf('deleted-since'))
  expect((await look()).about('kept data')).toBeUndefined()
  cloud.deleted.set(idOf('gone'), resourcesOf(world.file.table))
  const { out } = await runHere(
    (streams) => runProgram(['doctor', '--stack', 'gone', '--json'], environment, streams, { folder }),
    environment,
  )
  const kept: Finding[] = out
    .split('\n')
    .filter((line) => line.includes('kept data'))
    .map((line) => JSON.parse(line))
  expect(kept).toMatchObject([{ state: 'look', said: expect.stringContaining(world.file.table) }])
  expect(JSON.parse(/\{.*\}/.exec(kept[0]?.todo ?? '')?.[0] ?? '')).toEqual({
    tableArn: `arn:aws:dynamodb:eu-central-1:111122223333:table/${world.file.table}`,
    sealingKeySecretArn: 'arn:the-old-key',
    auditLogGroups: ['old-admin'],
  })
  cloud.denied.add('cloudformation:ListStacks')
  expect((await look()).about('kept data')).toMatchObject({ state: 'unknown' })
})

test.each([
  ['nothing', {}, 'look'],
  [
    'only what changes AWS',
    { AdvancedEventSelectors: [{ FieldSelectors: [{ Field: 'eventCategory', Equals: ['Management'] }] }] },
    'look',
  ],
  [
    'every function',
    { EventSelectors: [{ DataResources: [{ Type: 'AWS::Lambda::Function', Values: ['arn:aws:lambda'] }] }] },
    'good',
  ],
  [
    'another function',
    {
      EventSelectors: [
        {
          DataResources: [
            {
              Type: 'AWS::Lambda::Function',
              Values: ['arn:aws:lambda:eu-central-1:111122223333:function:other'],
            },
          ],
        },
      ],
    },
    'look',
  ],
  [
    'the admin function',
    {
      AdvancedEventSelectors: [
        {
          FieldSelectors: [
            { Field: 'eventCategory', Equals: ['Data'] },
            { Field: 'resources.type', Equals: ['AWS::Lambda::Function'] },
            {
              Field: 'resources.ARN',
              StartsWith: ['arn:aws:lambda:eu-central-1:111122223333:function:the-Admin'],
            },
          ],
        },
      ],
    },
    'good',
  ],
])('a trail that records %s', async (_, selectors, state) => {
  cloud.eventSelectors = selectors
  expect((await look()).about('who did it')?.state).toBe(state)
  cloud.denied.add('cloudtrail:GetEventSelectors')
  expect((await look()).about('who did it')).toMatchObject({
    state: 'unknown',
    todo: expect.stringContaining('cloudtrail:DescribeTrails'),
  })
})

test('secrets that are not stored are red, and setup is what to do', async () => {
  cloud.secrets.clear()
  const { about } = await look()
  for (const what of ['Seam API key', 'webhook secrets'])
    expect(about(what)).toMatchObject({ state: 'bad', todo: '`setup --stack doors`' })
  expect(about('sealing key')?.state).toBe('bad')
})

test('secrets of another shape are red', async () => {
  cloud.secrets.set('the-WebhookSecretsSecret', webhookSecret)
  cloud.secrets.set('the-SealingKeySecret', 'just a text that is long enough to be a key')
  cloud.secrets.set('the-SeamApiKeySecret', 'seam_wrong')
  const { red } = await look()
  expect(red.map(({ what }) => what)).toEqual(
    expect.arrayContaining(['Seam API key', 'webhook secrets', 'sealing key']),
  )
})

test.each([
  ['in quotes', (key: string) => `"${key}"`],
  ['in JSON', (key: string) => JSON.stringify({ key })],
  ['in two lines', (key: string) => `${key.slice(0, 8)}\n${key.slice(8)}`],
])('an API key %s is of the wrong form, and Seam is not asked', async (_, form) => {
  const key = world.file.seam_api_key ?? ''
  cloud.secrets.set('the-SeamApiKeySecret', form(key))
  const { findings, about } = await look()
  expect(about('Seam API key')).toMatchObject({
    state: 'bad',
    said: 'cannot be used',
    todo: expect.stringContaining('no quotes, no JSON'),
  })
  expect(about('Seam')).toBeUndefined()
  expect(about('webhook')).toBeUndefined()
  expect(JSON.stringify(findings)).not.toContain(key.slice(8))
})

test('what these credentials may not see is no fault of the stack, and the permission is named', async () => {
  cloud.denied.add('secretsmanager:GetSecretValue')
  const { about } = await look()
  expect(about('sealing key')).toMatchObject({
    state: 'unknown',
    todo: expect.stringContaining('secretsmanager:GetSecretValue'),
  })
})

test('alarms that nobody hears are red, and so are those whose mail nobody has answered', async () => {
  cloud.subscriptions = { confirmed: 0, pending: 0 }
  expect((await look()).about('alarms')).toMatchObject({
    state: 'bad',
    todo: expect.stringContaining('aws sns subscribe --topic-arn the-AlarmTopic'),
  })
  cloud.subscriptions = { confirmed: 0, pending: 1 }
  expect((await look()).about('alarms')).toMatchObject({
    state: 'bad',
    said: expect.stringContaining('confirmed'),
  })
  cloud.denied.add('sns:GetTopicAttributes')
  expect((await look()).about('alarms')).toMatchObject({
    state: 'unknown',
    todo: expect.stringContaining('sns:GetTopicAttributes'),
  })
})

test('a webhook that is not there, or gets too little, is red', async () => {
  const seam = world.seam?.webhooks
  const url = `${world.file.api}/webhooks/seam`
  const remove = () => seam?.endpoints.splice(0)
  remove()
  expect((await look()).about('webhook')).toMatchObject({ state: 'bad', said: expect.stringContaining(url) })
  seam?.add(url, ['connected_account.connected'])
  expect((await look()).about('webhook')?.said).toContain('connected_account.deleted')
  remove()
  seam?.add(url)
  expect((await look()).about('webhook secret')).toMatchObject({ state: 'bad' })
  expect((await look()).about('another webhook')).toBeUndefined()
  seam?.add('https://of-an-older-stack.example/webhooks/seam')
  expect((await look()).about('another webhook')).toMatchObject({
    state: 'look',
    said: expect.stringContaining('https://of-an-older-stack.example/webhooks/seam'),
  })
})

test('npm run doctor -- --stack: a name that there is not is red, and ends with 1', async () => {
  const doctor = (words: string[]) =>
    runHere((streams) => runProgram(['doctor', ...words], environment, streams, { folder }), environment)
  const { code, out } = await doctor(['--stack', 'windows'])
  expect([code, out]).toEqual([
    1,
    expect.stringMatching(/^RED +stack +cannot be looked into → There is no stack "windows"/m),
  ])
  expect((await doctor(['--stack', 'doors'])).out).toMatch(/^ok +stack +doors in eu-central-1$/m)
})

test('without --stack or --stage AWS is not asked, whoever is signed in', async () => {
  cloud.calls.length = 0
  const local = { ...environment, LOCAL_DIR: folder }
  const { out } = await runHere((streams) => runProgram(['doctor'], local, streams, { folder }), environment)
  expect(out).toMatch(/^ok +Seam API key /m)
  expect(cloud.calls).toEqual([])
})
