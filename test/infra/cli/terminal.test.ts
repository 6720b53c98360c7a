import { once } from 'node:events'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newReport } from '../../../functions/cleanup/report.ts'
import { vendingTable } from '../../../functions/table/table.ts'
import { reportTable } from '../../../infra/cli/commands/cleanup.ts'
import { progressLine } from '../../../infra/cli/print.ts'
import { worldDynamoDbClient } from '../../../infra/local/dynamodb.ts'
import { runIn, startTerminal, type Terminal } from './terminal.ts'

let terminal: Terminal
beforeAll(async () => {
  terminal = await startTerminal()
})
afterAll(() => terminal.close())

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const escapes = /\u001b\[[\d;]*m/
const onTerminal = (words: string[], environment: Record<string, string> = {}) =>
  runIn(terminal.folder, words, '', { isTTY: true, environment })

describe('colours', () => {
  test.each([['list'], ['doctor'], ['--help']])(
    '%s has them on a terminal, and nowhere else',
    async (word) => {
      expect((await onTerminal([word])).out).toMatch(escapes)
      expect((await onTerminal([word], { NO_COLOR: '1' })).out).not.toMatch(escapes)
      expect((await onTerminal([word], { TERM: 'dumb' })).out).not.toMatch(escapes)
      expect((await runIn(terminal.folder, [word])).out).not.toMatch(escapes)
    },
  )

  test('are never in what a program reads', async () => {
    expect((await onTerminal(['list', '--json'])).out).not.toMatch(escapes)
    expect((await onTerminal(['export'])).out).not.toMatch(escapes)
  })
})

describe('progress', () => {
  const users = Array.from({ length: 250 }, (_, n) => ({
    subject: `local|p-${n}`,
    connected_account_ids: [],
  }))
  const lines = () => Readable.from(users.map((user) => `${JSON.stringify(user)}\n`))

  test('is a line: label, count of the total, rate and time left', () => {
    expect(progressLine('import', 300, 1200, 3000)).toBe('import: 300 of 1,200, 100 a second, 9.0 s left')
    expect(progressLine('export', 1500, undefined, 1000)).toBe('export: 1,500, 1,500 a second')
  })

  test('is on standard error of a terminal alone, and cleared', async () => {
    const imported = await runIn(terminal.folder, ['import'], lines(), { isTTY: true })
    expect(imported.err).toContain('\r\u001b[Kimport: 100, ')
    expect(imported.err).toMatch(/, \d+ a second/)
    expect(imported.err.endsWith('\r\u001b[K')).toBe(true)
    for (const words of [['export'], ['drain'], ['list', '--all', '--json'], ['cleanup', '--all-users']]) {
      const { out, err } = await onTerminal(words)
      expect([words, err]).toEqual([words, expect.stringContaining(`\r\u001b[K${words[0]}: `)])
      expect(out).not.toContain('\r')
    }
    expect((await runIn(terminal.folder, ['export'])).err).toBe('253 users.\n')
  })

  test('knows the total of a file', async () => {
    const { err } = await runIn(terminal.folder, ['import', await terminal.file(users)], '', { isTTY: true })
    expect(err).toMatch(/import: 100 of 250, [\d,]+ a second, [\d.]+ s left/)
  })

  test('Ctrl-C says how much is done and that running it again is safe', async () => {
    const stop = new AbortController()
    async function* endless() {
      for (const [index, user] of users.entries()) {
        if (index === 201) stop.abort()
        yield `${JSON.stringify(user)}\n`
      }
      await once(stop.signal, 'never')
    }
    const deps = { signal: stop.signal }
    const { code, err } = await runIn(terminal.folder, ['import'], Readable.from(endless()), { deps })
    expect([code, err]).toEqual([
      130,
      '\nInterrupted. import: 200 done. Running it again is safe: what is done is found done.\n',
    ])
  })
})

describe('a cleanup that does nothing', () => {
  test('says until when another run is at work, and exits 7', async () => {
    const { file } = terminal.world
    const client = worldDynamoDbClient(file)
    const table = vendingTable({ client, tableName: file.table })
    const until = Date.now() + 3_600_000
    expect(await table.startRun('other', Date.now(), until)).toBe(true)
    const { code, out } = await runIn(terminal.folder, ['cleanup'])
    const time = new Date(until).toISOString().slice(11, 16)
    expect([code, out]).toEqual([7, expect.stringContaining(`Another run is at work until ${time} UTC`)])
    expect((await runIn(terminal.folder, ['cleanup', '--json'])).lines).toMatchObject([
      { stopped: 'another_run', other_run_until: until },
    ])
    await table.endRun('other', Date.now(), '{}')
    client.destroy()
    const alone = await runIn(terminal.folder, ['cleanup'])
    expect([alone.code, alone.out]).toEqual([0, expect.stringMatching(/^Nothing was cleaned up\.\n/)])
  })

  test('says "Cleaned up." only when something was', () => {
    const report = newReport({ started_at: 0, dry_run: false, all_users: false })
    expect(reportTable(report)).toMatch(/^Nothing was cleaned up\.\n/)
    expect(reportTable({ ...report, ended: { let_go: 1 } })).toMatch(/^Cleaned up\.\n/)
    expect(reportTable({ ...report, dry_run: true })).toMatch(/^What a run would do; nothing was changed\.\n/)
  })
})

test.each([[['list', '--json']], [['doctor']], [['--help']], [['grnt']]])(
  'a reader of %j that has gone is no failure',
  async (words) => {
    const child = terminal.spawnAdmin(words)
    child.stdout?.destroy()
    child.stderr?.destroy()
    const [code] = await once(child, 'exit')
    expect([0, 2]).toContain(code)
  },
)

test('Ctrl-C in a process of its own ends it with 130', async () => {
  const child = terminal.spawnAdmin(['import'])
  let err = ''
  child.stderr?.on('data', (chunk) => {
    err += chunk
  })
  const users = Array.from({ length: 150 }, (_, n) => ({
    subject: `local|cut-${n}`,
    connected_account_ids: [],
  }))
  child.stdin?.write(users.map((user) => `${JSON.stringify(user)}\n`).join(''))
  const last = () => runIn(terminal.folder, ['show', 'local|cut-99'])
  await expect.poll(async () => (await last()).code).toBe(0)
  child.kill('SIGINT')
  const [code] = await once(child, 'exit')
  expect([code, err]).toEqual([130, expect.stringContaining('Running it again is safe')])
})
