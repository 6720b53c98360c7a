import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfiguration } from '../functions/config.ts'
import type { Audit } from '../functions/http/audit.ts'
import { clientSessionAnswer } from '../functions/http/contract.ts'
import { deadlineIn } from '../functions/http/deadline.ts'
import { AdminRefusal } from '../functions/operator/client.ts'
import { commands as adminCommands } from '../functions/operator/commands.ts'
import { times } from '../functions/times.ts'
import { runProgram } from '../infra/cli/program.ts'
import { reachLocalWorld } from '../infra/cli/reach.ts'
import { startWorld, type World } from '../infra/local/world.ts'
import { chooseStage, propsOf, readStages } from '../infra/stage.ts'
import { type Block, blocksIn, documents, recipes } from './documents.ts'
import { type Cloud, someOutputs, startCloud } from './infra/cli/aws/cloud.ts'
import { runHere } from './infra/cli/aws/command.ts'
import { paste } from './pasting.ts'

/**
 * What the documents show is true: each block is run, in a local world that also plays the deployed stack, or its
 * document says why not. A block that nobody here knows what to do with fails. The recipes are run in test/consumers/.
 */

const blocks = documents.filter((file) => file !== recipes).flatMap(blocksIn)
const at = ({ file, line }: Block) => `${file}:${line}`
const isIn = (file: string, language: string) => (block: Block) =>
  block.file === file && block.language === language

const stack = 'token-vending-doors'
let folder: string
/** Where `npm run init` writes. */
let project: string
let world: World
let cloud: Cloud
let audits: Audit[]
let placeholders: [string, string][]
let files: Record<string, string>
/** What a reader has in their shell. */
let secrets: Record<string, string>
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'readme-'))
  project = join(folder, 'project')
  await mkdir(project)
  audits = []
  ;[world, cloud] = await Promise.all([
    startWorld({ folder, log: (audit) => audits.push(audit) }),
    startCloud(),
  ])
  const { api, table, seam, dynamodb, dynamodb_access_key_id } = world.file
  cloud.stacks.set(stack, someOutputs({ Endpoint: api, Table: table, SeamEndpoint: seam }))
  const [webhook] = world.seam?.webhooks.list() ?? []
  cloud.secrets.set('the-SeamApiKeySecret', world.seam?.apiKey ?? '')
  cloud.secrets.set('the-WebhookSecretsSecret', JSON.stringify([webhook?.secret]))
  cloud.secrets.set('the-SealingKeySecret', JSON.stringify({ current: 'a'.repeat(64) }))
  Object.assign(cloud.environment, {
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
    AWS_ACCESS_KEY_ID: dynamodb_access_key_id,
  })
  cloud.functions.set('the-AdminFunction', administer)
  cloud.functions.set('the-CleanupFunction', (order) => {
    const { dry_run, all_users, override_fuse } = order as Record<string, boolean>
    return world.cleanUp({
      deadline: deadlineIn(times.cleanup, Date.now),
      dryRun: dry_run === true,
      allUsers: all_users === true,
      overrideFuse: override_fuse === true,
    })
  })

  const token = await world.identityProvider.sign({ sub: 'ada' })
  const vended = await vend('alan')
  await vend('ada')
  placeholders = [
    ['<issuer name>|<sub>', 'local|eve'],
    ['<subject>', 'local|grace'],
    ['<connected_account_id>', world.seam?.spareAccountIds[0] ?? ''],
    ['<client_session_id>', vended.client_session_id],
    ['token-vending-<deployment>', stack],
    ['--stack NAME', `--stack ${stack}`],
    ['<deployment>', 'local'],
    ['SEAM_API_KEY=… ', ''],
    [' \\\n ', ''],
  ]
  secrets = { TOKEN: token, API: api, SEAM_API_KEY: world.seam?.apiKey ?? '', SEAM_ENDPOINT: seam }
  files = { 'bearer-token.txt': token, 'found-token.txt': vended.token }
})
afterAll(async () => {
  await Promise.all([world.close(), cloud.close()])
  await rm(folder, { recursive: true })
})

async function vend(sub: string) {
  const response = await fetch(`${world.file.api}/client-session`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await world.identityProvider.sign({ sub })}` },
  })
  return (await response.json()) as { token: string; client_session_id: string }
}

/** As the admin function does, by the commands' own way into a local world. */
async function administer(event: unknown): Promise<unknown> {
  const { command, params } = event as { command: 'show'; params: { subject: string } }
  const { callAdmin, close } = await reachLocalWorld({ LOCAL_DIR: folder })
  try {
    return { version: 1, request_id: 'r', result: await callAdmin(command, params) }
  } catch (error) {
    if (!(error instanceof AdminRefusal)) throw error
    return { version: 1, request_id: 'r', problem: error.problem }
  } finally {
    close()
  }
}

/** Runs a line as a shell would: words, quotes, and one file to read from or write to. */
async function runLine(line: string): Promise<void> {
  const [, silent, script, rest = ''] =
    /^npm run (-s )?(admin|token-vending|cleanup|doctor|init|setup) -- (.*)$/.exec(line) ?? []
  if (script === undefined) return runInShell(line)
  const [command = '', from, to] = [rest, /<\s*(\S+)$/.exec(rest)?.[1], />\s*(\S+)$/.exec(rest)?.[1]]
  const words = (command.replace(/\s[<>]\s*\S+$/, '').match(/'[^']*'|\S+/g) ?? []).map((word) =>
    word in files ? join(folder, word) : word.replaceAll("'", ''),
  )
  const input = from === undefined ? `${world.seam?.apiKey}\ny\ny\n` : (files[from] ?? '')
  const environment: Record<string, string> = { ...cloud.environment, LOCAL_DIR: folder }
  const { code, out, err } = await runHere(
    (streams) =>
      runProgram(
        script === 'admin' || script === 'token-vending' ? words : [script, ...words],
        environment,
        streams,
        // The doctor would ask the example's identity provider.
        { sleep: async () => {}, folder: script === 'init' ? project : folder },
      ),
    environment,
    input,
  )
  if (to !== undefined) {
    // What npm says of itself goes into the file, too.
    files[to] = silent === undefined ? `\n> seam-token-vending admin\n\n${out}` : out
    await writeFile(join(folder, to), files[to])
  }
  // The local engine has neither, and what is deployed here is the example's configuration.
  const red = (out.match(/^RED .*$/gm) ?? []).filter(
    (it) => !/time to live|point-in-time recovery|cdk\.json|\.example/.test(it),
  )
  const isWell = code === 0 || (script === 'doctor' && red.length === 0)
  expect([line, isWell, isWell ? '' : out + err]).toEqual([line, true, ''])
}

async function runInShell(line: string): Promise<void> {
  if (line.startsWith('curl ')) {
    const { status } = await paste(line, secrets)
    return expect([line, status < 300]).toEqual([line, true])
  }
  if (!/^node /.test(line)) throw new Error(`Nobody runs: ${line}`)
  const [code, out] = await printedBy(line)
  expect([line, code, out]).toEqual([line, 0, expect.not.stringMatching(/^\{"type"|Error:/m)])
}

/** Into a file: what it prints is no output of ours, and a token. */
async function printedBy(line: string): Promise<[code: number, out: string]> {
  const file = join(folder, 'printed')
  const code = await new Promise<number>((resolve) =>
    execFile(
      '/bin/sh',
      ['-c', `{ ${line}; } > '${file}' 2>&1`],
      { cwd: folder, env: { ...process.env, ...secrets } },
      (error) => resolve(Number(error?.code ?? 0)),
    ),
  )
  return [code, await readFile(file, 'utf8')]
}

describe('each command', () => {
  const shell = blocks.filter(({ language, isExcused }) => language === 'sh' && !isExcused)

  test.each(shell.map((block) => [at(block), block] as const))('%s', async (_, block) => {
    if (block.text === 'npm start\n') return npmStart()
    for (const script of blocks.filter(isIn(block.file, 'js'))) {
      const [, name = ''] = /^\/\/ (\S+\.mjs)$/m.exec(script.text) ?? []
      await writeFile(join(folder, name), script.text)
    }
    const text = placeholders.reduce((text, [from, to]) => text.replaceAll(from, to), block.text)
    for (const line of text.trim().split('\n')) await runLine(line)
  })

  /** With what is printed, pasted as a newcomer does. */
  async function npmStart(): Promise<void> {
    const own = join(folder, 'own')
    const npm = spawn('npm', ['start'], {
      env: { ...process.env, LOCAL_DIR: own, PORT: '0' },
      detached: true,
    })
    const ended = once(npm, 'close')
    let printed = ''
    for (const stream of [npm.stdout, npm.stderr]) stream.on('data', (text) => (printed += text))
    try {
      await expect.poll(() => printed).toMatch(/^ready$/m)
      const [curl = ''] = /^curl .*\\\n.*$/m.exec(printed) ?? []
      const vended = async () => {
        const { status, text } = await paste(curl)
        return { ...clientSessionAnswer.parse(JSON.parse(text)), status }
      }
      const first = await vended()
      expect([first.status, await vended()]).toMatchObject([201, { status: 200, token: first.token }])
    } finally {
      process.kill(-(npm.pid ?? 0), 'SIGTERM')
      await ended
    }
  }

  test('that is not run says why, and there are at most five blocks of them', () => {
    const excused = blocks.filter(({ isExcused }) => isExcused)
    expect(excused.length).toBeLessThanOrEqual(5)
    for (const { text } of excused) expect(text).toMatch(/^(npm ci\n)?(aws|npx cdk) /)
  })
})

describe('each other block', () => {
  const others = blocks.filter(({ language }) => language !== 'sh')

  test('is of a kind that a test here looks at', () => {
    const kinds = [
      ['README.md', 'mermaid'],
      ['README.md', 'json'],
      ['README.md', 'ts'],
      ['functions/browser/README.md', 'text'],
      ['infra/OPERATING.md', 'json'],
      ['infra/IDENTITY-EVENTS.md', 'js'],
      ['infra/FROM-A-SNIPPET.md', 'ts'],
      ['infra/FROM-A-SNIPPET.md', 'js'],
    ]
    const known = (block: Block) => kinds.some(([file = '', language = '']) => isIn(file, language)(block))
    expect(others.filter((block) => !known(block)).map(at)).toEqual([])
    expect(others).toHaveLength(10)
  })

  test('in the recipe for providers that tell nothing: commands that there are', () => {
    const [recipe] = others.filter(isIn('infra/IDENTITY-EVENTS.md', 'js'))
    const called = [...(recipe?.text.matchAll(/callAdmin\('(\w+)'/g) ?? [])].map(([, name]) => name)
    expect([called.length, called.filter((name = '') => !(name in adminCommands))]).toEqual([2, []])
  })

  test('in JSON: an answer, a configuration, an audit line and what a stack adopts', () => {
    const [answer, configuration] = others
      .filter(isIn('README.md', 'json'))
      .map(({ text }) => JSON.parse(text))
    expect(clientSessionAnswer.parse(answer).token).toMatch(/^seam_cst/)
    const stage = chooseStage(configuration, undefined)
    expect(readConfiguration(propsOf(stage).configuration).issuers).toHaveLength(1)
    expect(readStages(project)).toMatchObject(configuration)
    const [line, adopted] = others
      .filter(isIn('infra/OPERATING.md', 'json'))
      .map(({ text }) => JSON.parse(text))
    const real = audits.find(({ verdict }) => verdict === 'create')
    expect(Object.keys(line)).toEqual(Object.keys(real ?? {}))
    expect(line.verdicts).toEqual(real?.verdicts)
    expect(propsOf({ ...stage, tokenVendingStack: adopted })).toMatchObject(adopted)
  })

  test('the careful lines hand out a token that opens what it should, under a random key', async () => {
    const [snippet] = others.filter(isIn('infra/FROM-A-SNIPPET.md', 'ts'))
    const { seam } = world.file
    const file = join(folder, 'careful.ts')
    await writeFile(file, (snippet?.text ?? '').replace('https://connect.getseam.com', seam))
    const { clientSessionToken } = await import(/* @vite-ignore */ file)
    const row = { connected_account_ids: world.seam?.users[0]?.connected_account_ids ?? [] }
    const saved: string[] = []
    const save = async (it: object) => void saved.push(JSON.stringify(it))
    const token = await clientSessionToken(row, save, world.seam?.apiKey)
    expect(await clientSessionToken(row, save, world.seam?.apiKey)).toBe(token)
    expect(saved).toEqual([expect.stringMatching(/"seam_key":"[0-9a-f-]{36}"/)])
    const response = await fetch(`${seam}/devices/list`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    })
    const { devices } = (await response.json()) as { devices: unknown[] }
    expect(devices.length).toBeGreaterThan(0)
  })

  test('the Content-Security-Policy is the one of the local page', async () => {
    const [block] = others.filter(isIn('functions/browser/README.md', 'text'))
    const policy = (await fetch(world.file.page)).headers.get('content-security-policy') ?? ''
    const { api, issuer, seam } = world.file
    const shown = (block?.text ?? '')
      .replace('<this API>', api)
      .replace('<your identity provider>', issuer)
      .replaceAll('https://connect.getseam.com', seam)
    const directives = (text: string) =>
      text
        .split(/;\s*/)
        .map((one) => one.trim())
        .filter(Boolean)
        .sort()
    expect(directives(shown)).toEqual(directives(policy))
  })
})
