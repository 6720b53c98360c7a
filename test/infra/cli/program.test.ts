import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commands, groups } from '../../../infra/cli/commands.ts'
import { runIn, startTerminal, type Terminal, textOf } from './terminal.ts'

let terminal: Terminal
let spare: string[]
beforeAll(async () => {
  terminal = await startTerminal()
  spare = terminal.world.seam?.spareAccountIds ?? []
})
afterAll(() => terminal.close())

const seamDown = (path: string) =>
  terminal.world.seam?.faults.plan({
    faults: [{ kind: 'status', status: 503, path: `/client_sessions/${path}` }],
  })

describe('what is typed', () => {
  test('nothing, help in three spellings, the version, and a command that is none', async () => {
    const nothing = await terminal.admin([])
    expect([nothing.code, nothing.out.includes('withdraw')]).toEqual([2, true])
    for (const words of [['--help'], ['-h'], ['help']]) {
      const help = await terminal.admin(words)
      expect([help.code, help.err]).toEqual([0, ''])
      for (const name of Object.keys(commands)) expect(help.out).toContain(`\n  ${name} `)
      for (const heading of Object.keys(groups)) expect(help.out).toContain(`\n${heading}\n`)
      expect(help.out).toContain('\n  7    cleanup did nothing')
    }
    expect(await terminal.admin(['--version'])).toMatchObject({ code: 0, out: '0.1.0\n' })
    const unknown = await terminal.admin(['constructor'])
    expect([unknown.code, unknown.err]).toEqual([
      2,
      "Unknown command 'constructor'. See: seam-token-vending help\n",
    ])
  })

  test.each(Object.entries(commands))(
    'help %s shows each option, with examples that can be pasted, and exit codes',
    async (name, row) => {
      const { code, out } = await terminal.admin(['help', name])
      expect(code).toBe(0)
      expect(out).toContain(`Usage: seam-token-vending ${name}`)
      for (const option of Object.keys(row.options ?? {})) expect(out).toContain(`  --${option}`)
      for (const example of row.examples) expect(out).toContain(`\n  seam-token-vending ${example}\n`)
      expect(out).toContain('will be retried')
      expect((await terminal.admin([name, '-h'])).out).toBe(out)
    },
  )

  test('options stand in any order, also before the command', async () => {
    const { out } = await terminal.admin(['list', '--json', '--status', 'active'])
    for (const words of [
      ['--json', '--status', 'active', 'list'],
      ['--status=active', 'list', '--json'],
    ])
      expect((await terminal.admin(words)).out).toBe(out)
    expect(out).toContain('local|ada')
  })

  test('run by npm, it shows how npm runs it', async () => {
    const { out } = await runIn(terminal.folder, ['help', 'export'], '', {
      environment: { npm_lifecycle_event: 'admin' },
    })
    expect(out).toContain('\n  npm run -s token-vending -- export > users.ndjson\n')
  })

  test.each([
    ['a word too few', ['grant', 'local|ada']],
    ['a word too many', ['show', 'local|ada', 'local|grace']],
    ['an option that is none', ['list', '--everything']],
    ['a status that is none', ['list', '--status', 'asleep']],
    ['an account that is none', ['grant', 'local|ada', 'front-door']],
    ['a subject that is none', ['show', 'ada']],
    ['a subject without its value', ['grant', 'local|', '00000000-0000-4000-8000-000000000000']],
    ['a subject to end that is none', ['end-session', 'ada']],
    ['a subject to move that is none', ['move', 'ada', 'local|ada']],
    ['an account to withdraw that is none', ['withdraw', 'local|ada', 'front door']],
    ['an account to set that is none', ['set', 'local|ada', 'abc']],
    ['an account to look for that is none', ['list', '--account', 'abc']],
    ['an account to ask about that is none', ['who', 'abc']],
    ['a token that is none', ['end-session', '--token', '-'], 'two words'],
    ['a time without its offset', ['set', 'local|ada', '--until', '2026-03-31T12:00:00']],
    ['a day that is none', ['who', 'x', '--at', '2026-02-31']],
    ['a token as an argument', ['end-session', '--token', 'seam_cst_x']],
    ['neither subject nor token', ['end-session']],
  ] as [string, string[], string?][])(
    '%s is not understood, and changes nothing',
    async (_, words, input = 'seam_cst_y') => {
      const before = (await terminal.admin(['export'])).out
      const { code, out, err } = await terminal.admin(words, input)
      expect([code, out]).toEqual([2, ''])
      expect(err.length).toBeGreaterThan(20)
      expect(err).not.toContain('seam_cst_x')
      expect((await terminal.admin(['export'])).out).toBe(before)
    },
  )

  test('without a world that runs, says how to start one', async () => {
    const { code, err } = await runIn(join(terminal.folder, 'elsewhere'), ['list'])
    expect([code, err.includes('npm start')]).toEqual([6, true])
  })
})

describe('users', () => {
  test('are a table for people and lines of JSON for scripts', async () => {
    const people = await terminal.admin(['list'])
    expect(people.out.split('\n')[0]).toMatch(/^SUBJECT +STATUS +ACCOUNTS/)
    expect(people.out).toContain("'local|ada'")
    const scripts = await terminal.admin(['list', '--json'])
    expect(scripts.lines.map(({ subject }) => subject).sort()).toEqual([
      'local|ada',
      'local|alan',
      'local|grace',
    ])
    const page = await terminal.admin(['list', '--limit', '1'])
    expect(page.err).toMatch(/1 user\. More: add --after/)
    const after = /--after (\S+),/.exec(page.err)?.[1] ?? ''
    const rest = await terminal.admin(['list', '--all', '--json', '--after', after.replaceAll("'", '')])
    expect(rest.lines).toHaveLength(2)
  })

  test('show is a sheet, and says when there is nobody', async () => {
    const { out } = await terminal.admin(['show', 'local|ada'])
    expect(out).toMatch(/^subject +'local\|ada'$/m)
    expect((await terminal.admin(['show', 'local|nobody'])).code).toBe(3)
  })

  test('a grant, a withdrawal, and what becomes of the old token', async () => {
    const [account = ''] = spare
    const { token: old } = await terminal.vend('grace')
    const { count } = await terminal.devicesOf(old)
    const granted = await terminal.admin(['grant', 'local|grace', account])
    expect([granted.code, granted.out]).toEqual([
      0,
      "'local|grace': 1 account granted; live client sessions open them now, with the same tokens.\n",
    ])
    expect((await terminal.devicesOf(old)).count).toBe(count + 1)
    const withdrawn = await terminal.admin(['withdraw', 'local|grace', account])
    expect(withdrawn.out).toBe(
      "'local|grace': 1 account withdrawn; client sessions were ended at Seam.\n" +
        '  What was made with its token stays: access codes, for example.\n',
    )
    expect((await terminal.devicesOf(old)).status).toBe(401)
    expect((await terminal.devicesOf((await terminal.vend('grace')).token)).count).toBe(count)
  })

  test.each(['grant', 'set'])(
    '%s of an account that Seam does not know is refused, and changes nothing',
    async (verb) => {
      const before = (await terminal.admin(['export'])).out
      const mistyped = '00000000-0000-4000-8000-000000000000'
      const { code, out, err } = await terminal.admin([verb, 'local|grace', spare[0] ?? '', mistyped])
      expect([code, out]).toEqual([4, ''])
      expect(err).toContain(
        `Unknown at Seam, so they open nothing: ${mistyped}. Mistyped, or of another workspace?`,
      )
      expect(err).toContain('--unverified')
      expect((await terminal.admin([verb, 'local|nobody-yet', mistyped])).code).toBe(4)
      expect((await terminal.admin(['export'])).out).toBe(before)
    },
  )

  test('an account that Seam does not know is named, and not said to be open', async () => {
    await terminal.vend('grace')
    const mistyped = '00000000-0000-4000-8000-000000000000'
    const { out } = await terminal.admin(['grant', 'local|grace', mistyped, '--unverified'])
    expect(out).toBe(
      "'local|grace': 1 account granted; client sessions are as they were.\n" +
        `  Unknown at Seam, so they open nothing: ${mistyped}. Mistyped, or of another workspace?\n`,
    )
    // What the record has already is no news, and an earlier grant may be finished.
    expect((await terminal.admin(['grant', 'local|grace', mistyped])).code).toBe(0)
    expect((await terminal.admin(['withdraw', 'local|grace', mistyped])).out).not.toContain('Unknown')
  })

  test('with Seam down a change is written down, exits with 5, and says that it will be retried', async () => {
    const { token: old } = await terminal.vend('alan')
    seamDown('delete')
    const { code, out } = await terminal.admin(['disable', 'local|alan'])
    expect([code, out]).toEqual([5, expect.stringContaining('will be retried by cleanup')])
    terminal.world.seam?.faults.clear()
    expect((await terminal.vend('alan')).status).toBe(403)
    expect((await terminal.admin(['disable', 'local|alan'])).code).toBe(0)
    expect((await terminal.devicesOf(old)).status).toBe(401)
    expect((await terminal.admin(['enable', 'local|alan', '--json'])).lines[0].user.status).toBe('active')
  })

  test('an end date from now on, and none again', async () => {
    const [, account = ''] = spare
    const { lines } = await terminal.admin(['grant', 'local|guest', account, '--until', '+2h', '--json'])
    const left = Date.parse(lines[0].user.access_until) - Date.now()
    expect(Math.round(left / 60_000)).toBe(120)
    const never = await terminal.admin(['set', 'local|guest', account, '--until', 'never', '--json'])
    expect(never.lines[0].user.access_until).toBeUndefined()
    await terminal.admin(['remove', 'local|guest'])
  })

  test('a found token is read from standard input, ended, and never printed', async () => {
    const { token } = await terminal.vend('ada')
    const ended = await terminal.admin(['end-session', '--token', '-'], `${token}\n`)
    expect([ended.code, ended.out]).toEqual([0, expect.stringMatching(/of 'local\|ada' was ended at Seam/)])
    expect((await terminal.devicesOf(token)).status).toBe(401)
    const again = await terminal.admin(['end-session', '--token', '-'], token)
    expect(again.out).toContain('any more')
    expect(ended.out + ended.err + again.out + again.err).not.toContain(token)
    expect((await terminal.admin(['end-session', '--token', '-'])).code).toBe(2)
  })

  test('sessions, accounts, orphans and draining', async () => {
    const { token } = await terminal.vend('ada')
    const { lines: sessions } = await terminal.admin(['sessions', 'local|ada', '--json'])
    expect(sessions).toMatchObject([{ state: 'current' }])
    expect((await terminal.admin(['sessions', 'local|ada'])).out).toMatch(/^CLIENT SESSION/)
    const free = await terminal.admin(['accounts', '--unassigned'])
    expect(free.out).toContain(spare[0])
    expect(free.out).not.toContain('ada@example.com')
    expect((await terminal.admin(['orphans'])).err).toMatch(/0 orphans among \d+ client session/)
    const drained = await terminal.admin(['drain', '--json'])
    expect(drained.lines).toMatchObject([{ will_be_retried: 0, remaining: 0 }])
    expect((await terminal.devicesOf(token)).status).toBe(401)
  })

  test('a move and a sign-out everywhere', async () => {
    const [, account = ''] = spare
    await terminal.admin(['grant', 'local|old-login', account])
    await terminal.vend('old-login')
    const moved = await terminal.admin(['move', 'local|old-login', 'local|new-login'])
    expect(moved.out).toMatch(/^'local\|new-login': 1 account granted/)
    expect(moved.out).toMatch(
      /^'local\|old-login': removed, 1 account withdrawn; client sessions were ended/m,
    )
    expect((await terminal.admin(['move', 'local|old-login', 'local|new-login'])).code).toBe(0)
    const signedOut = await terminal.admin(['sign-out-everywhere', 'local|new-login'])
    expect(signedOut.out).toMatch(/signed out everywhere/)
    await terminal.admin(['remove', 'local|new-login'])
  })
})

describe('explain', () => {
  test('a good token and a bad one, by exit code', async () => {
    const good = await terminal.admin(['explain'], await terminal.world.identityProvider.sign({ sub: 'ada' }))
    expect([good.code, good.out]).toEqual([0, expect.stringMatching(/^Accepted: 'local\|ada'/)])
    const bad = await terminal.admin(['explain'], 'Bearer not-a-token')
    expect([bad.code, bad.out]).toEqual([4, expect.stringMatching(/^Not accepted \(not_compact\)/)])
  })
})

describe('who', () => {
  test('had an account, when, and by whom: from the audit log, and before it from the records', async () => {
    const [account = ''] = spare
    const before = terminal.world.seam?.users.find(({ sub }) => sub === 'ada')?.connected_account_ids[0] ?? ''
    expect((await terminal.admin(['who', before, '--json'])).lines).toEqual([{ subject: 'local|ada' }])
    await terminal.admin(['grant', 'local|tenant', account])
    await terminal.admin(['withdraw', 'local|tenant', account])
    const { lines } = await terminal.admin(['who', account, '--json'])
    const span = lines.find(({ subject }) => subject === 'local|tenant')
    expect(span).toMatchObject({
      given: expect.stringMatching(/^grant by /),
      taken: expect.stringMatching(/^withdraw by /),
    })
    const today = new Date().toISOString().slice(0, 10)
    expect((await terminal.admin(['who', account, '--at', today])).out).toContain("'local|tenant'")
    expect((await terminal.admin(['who', account, '--at', '2020-01-01'])).out).toBe('')
  })

  test('got an account by connecting it themselves, which only the webhook told us', async () => {
    const { world } = terminal
    const authorization = `Bearer ${await world.identityProvider.sign({ sub: 'ada' })}`
    const made = await fetch(`${world.file.api}/connect-webview`, {
      method: 'POST',
      headers: { authorization },
    })
    const { connect_webview_id } = (await made.json()) as { connect_webview_id: string }
    const account = world.seam?.completeWebview(connect_webview_id) ?? ''
    await world.seam?.webhooks.idle()
    const { lines } = await terminal.admin(['who', account, '--json'])
    expect(lines).toMatchObject([{ subject: 'local|ada', given: 'connect by seam' }])
  })

  test('an account that neither Seam nor the log knows is not found; one that Seam has forgotten is still told', async () => {
    const wrong = (spare[0] ?? '').replace(/.$/, (last) => (last === '0' ? '1' : '0'))
    for (const words of [
      ['who', wrong],
      ['who', wrong, '--json'],
      ['list', '--account', wrong],
    ]) {
      const { code, out, err } = await terminal.admin(words)
      expect([code, out]).toEqual([3, ''])
      expect(err).toMatch(/^Neither Seam nor a record knows this connected account.*\n$/)
    }
    await terminal.admin(['grant', 'local|tenant', wrong, '--unverified'])
    await terminal.admin(['withdraw', 'local|tenant', wrong])
    const { code, lines } = await terminal.admin(['who', wrong, '--json'])
    expect([code, lines]).toEqual([0, [expect.objectContaining({ subject: 'local|tenant' })]])
    // Known, and nobody's.
    const nobodys = await terminal.admin(['who', terminal.world.seam?.addAccount() ?? ''])
    expect([nobodys.code, nobodys.err]).toEqual([0, '0 users.\n'])
  })

  test('the audit log is its owner’s alone', async () => {
    const file = join(terminal.folder, 'audit.ndjson')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const entries = (await readFile(file, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(entries.length).toBeGreaterThan(5)
    expect(
      entries.every(
        ({ what, by, subject }) => what === 'account' && /@|^seam$/.test(by) && subject.startsWith('local|'),
      ),
    ).toBe(true)
  })
})

test('in a process of its own: exit code, and a reader that has seen enough', async () => {
  const refused = terminal.spawnAdmin(['show', 'local|nobody'])
  const [err, code] = await Promise.all([
    textOf(refused.stderr as NonNullable<typeof refused.stderr>),
    new Promise((resolve) => refused.once('exit', resolve)),
  ])
  expect([code, err]).toEqual([3, expect.stringContaining('There is no record of this subject.')])
  const cut = terminal.spawnAdmin(['list', '--json'])
  cut.stdout?.destroy()
  expect(await new Promise((resolve) => cut.once('exit', resolve))).toBe(0)
})
