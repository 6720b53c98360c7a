import { createServer } from 'node:http'
import { PassThrough, Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { questions } from '../../../../infra/cli/probe/questions.ts'
import { runProgram } from '../../../../infra/cli/program.ts'
import { type LocalSeam, startSeam } from '../../../../infra/local/seam/workspace.ts'
import { heard } from '../../../leaks.ts'
import { listen, stopListening } from '../../../loopback.ts'
import { textOf } from '../terminal.ts'

let seam: LocalSeam
let ahead = 0
const clock = () => Date.now() + ahead
const sleep = async (ms: number) => {
  ahead += ms
}
beforeAll(async () => {
  seam = await startSeam({ clock })
})
afterAll(() => seam.close())

async function run(
  words: string[],
  { apiKey, input = '', stop }: { apiKey?: string; input?: string; stop?: AbortSignal } = {},
) {
  const [stdout, stderr] = [heard(new PassThrough()), heard(new PassThrough())]
  const printed = [textOf(stdout), textOf(stderr)]
  const environment = apiKey === undefined ? {} : { SEAM_API_KEY: apiKey }
  const deps = { now: clock, sleep, ...(stop !== undefined && { signal: stop }) }
  const code = await runProgram(
    ['probe', ...words],
    environment,
    { stdin: Readable.from([input]), stdout, stderr },
    deps,
  )
  stdout.end()
  stderr.end()
  const [out = '', err = ''] = await Promise.all(printed)
  return { code, out, err }
}

test('prints every question with its answer, or why it has none, and no secret', async () => {
  const { code, out, err } = await run(['--endpoint', seam.url], { input: `${seam.apiKey}\n` })
  expect(code).toBe(0)
  for (const { asks } of Object.values(questions)) expect(out).toContain(`${asks}\n    `)
  expect(out).toContain('not answered: somebody must log in')
  expect(out).toContain('"get_or_create":"replaces"')
  for (const secret of [seam.apiKey, seam.publishableKey, 'seam_cst']) expect(out + err).not.toContain(secret)
})

test('prints a JSON object a line for a program', async () => {
  const { out } = await run(['--endpoint', seam.url, '--json'], { apiKey: seam.apiKey })
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(lines.map(({ name }) => name)).toEqual(Object.keys(questions))
})

test('told to stop, it ends after the question at hand, with everything undone', async () => {
  const { code, out } = await run(['--endpoint', seam.url, '--json'], {
    apiKey: seam.apiKey,
    stop: AbortSignal.abort(),
  })
  expect([code, out.trim().split('\n').length]).toEqual([130, 1])
  expect(seam.sessions().filter(({ live }) => live)).toEqual([])
})

test('says what it could not undo, and ends with 1', async () => {
  seam.faults.add({ path: '/client_sessions/delete', kind: 'status', status: 503 })
  const { code, err } = await run(['--endpoint', seam.url], {
    apiKey: seam.apiKey,
    stop: AbortSignal.abort(),
  })
  seam.faults.clear()
  const live = seam.sessions().filter((one) => one.live)
  expect([code, live.length]).toEqual([1, 1])
  expect(err).toContain(live[0]?.client_session_id)
})

test('leaves a production workspace alone', async () => {
  const asked: string[] = []
  const production = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.setHeader('content-type', 'application/json')
    response.end('{"workspace":{"workspace_id":"w","name":"Live","is_sandbox":false},"ok":true}')
  })
  const endpoint = await listen(production, 0, 'the production workspace')
  const { code, err } = await run(['--endpoint', endpoint], { apiKey: 'seam_production_key' })
  await stopListening(production)
  expect([code, asked]).toEqual([4, ['/workspaces/get']])
  expect(err).toContain('Live is a production workspace')
})

test.each([
  [['--endpoint', 'http://seam.example'], 'https://'],
  [['--endpoint', 'https://user@seam.example'], 'https://'],
  [['--key', 'seam_x'], "Unknown option '--key'"],
])('%j is not understood', async (words, sentence) => {
  const { code, err } = await run(words, { apiKey: 'seam_x' })
  expect([code, err]).toEqual([2, expect.stringContaining(sentence)])
})

test('a key that is refused, or none at all, is told in a sentence', async () => {
  expect(await run(['--endpoint', seam.url], { apiKey: 'seam_wrong' })).toMatchObject({
    code: 4,
    err: expect.stringContaining('does not accept'),
  })
  expect(await run(['--endpoint', seam.url], { input: '\n' })).toMatchObject({
    code: 2,
    err: expect.stringContaining('No API key was given'),
  })
})
