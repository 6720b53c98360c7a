import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTerminal, type Terminal, textOf } from './terminal.ts'

let terminal: Terminal
beforeAll(async () => {
  terminal = await startTerminal()
})
afterAll(() => terminal.close())

const usersOf = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, n) => ({
    subject: `local|${prefix}-${n}`,
    connected_account_ids: [`account-${n}`],
  }))
const ndjson = (users: object[]) => users.map((user) => `${JSON.stringify(user)}\n`).join('')
/** From the audit log, which has a line for each change. */
const changedOf = async (prefix: string) => {
  const text = await readFile(join(terminal.folder, 'audit.ndjson'), 'utf8').catch(() => '')
  return text.split('\n').filter((line) => line.includes(`"subject":"local|${prefix}-`)).length
}

describe('import', () => {
  test('takes lines from standard input or a file, and finds them done the next time', async () => {
    const text = ndjson(usersOf('plain', 120))
    const first = await terminal.admin(['import'], text)
    expect([first.code, first.out]).toEqual([0, 'Imported:\n  120 created\n'])
    const file = join(terminal.folder, 'users.ndjson')
    await writeFile(file, text)
    const second = await terminal.admin(['import', file, '--json'])
    expect(second.lines).toEqual([{ unchanged: 120, dry_run: false }])
    expect(await changedOf('plain')).toBe(120)
    expect((await terminal.admin(['import', `${file}.missing`])).code).toBe(2)
  })

  test('names each line that cannot be used, takes the others, and exits with 4', async () => {
    const [good, other] = usersOf('mixed', 2)
    const text = [
      JSON.stringify(good),
      '',
      '{"subject":',
      '[]',
      '{"subject":"local|x"}',
      JSON.stringify(other),
    ].join('\n')
    const { code, out, err } = await terminal.admin(['import'], text)
    expect(code).toBe(4)
    expect(out).toContain('2 created')
    expect(out).toContain('3 refused')
    expect(err.match(/^line \d+/gm)).toEqual(['line 3', 'line 4', 'line 5'])
  })

  test('with --replace --dry-run prints the difference and changes nothing', async () => {
    const [user = { subject: '', connected_account_ids: [] }] = usersOf('tried', 1)
    await terminal.admin(['import'], ndjson([user]))
    const before = await terminal.admin(['show', 'local|tried-0'])
    const wanted = ndjson([{ ...user, connected_account_ids: ['another'], status: 'disabled' }])
    const people = await terminal.admin(['import', '--replace', '--dry-run'], wanted)
    expect(people.out.split('\n').slice(0, 2)).toEqual([
      "'local|tried-0'  +another  -account-0  status: active → disabled",
      'Nothing was changed; an import would say:',
    ])
    const { lines } = await terminal.admin(['import', '--replace', '--dry-run', '--json'], wanted)
    expect(lines).toMatchObject([
      { granted: ['another'], withdrawn: ['account-0'] },
      { changed: 1, dry_run: true },
    ])
    expect(await terminal.admin(['show', 'local|tried-0'])).toEqual(before)
  })

  test('that was killed half-way is finished by the next', async () => {
    const users = usersOf('killed', 350)
    const killed = terminal.spawnAdmin(['import'])
    const { stdin } = killed
    if (stdin === null) throw new Error('no standard input')
    stdin.on('error', () => {})
    // The input stays open: when it has done these it waits for more.
    stdin.write(ndjson(users.slice(0, 250)))
    while ((await changedOf('killed')) < 100) await wait(5)
    killed.kill('SIGKILL')
    await once(killed, 'exit')
    const before = await changedOf('killed')
    expect(before).toBeLessThanOrEqual(200)
    const { code, lines } = await terminal.admin(['import', '--json'], ndjson(users))
    expect(code).toBe(0)
    // One that was written down may have died before its line in the audit log, or with its record still empty.
    const { created = 0, changed = 0, unchanged = 0 } = lines[0]
    expect(created + changed + unchanged).toBe(350)
    expect(changed).toBeLessThanOrEqual(16)
    expect(lines[0].unchanged).toBeGreaterThanOrEqual(before)
  })

  test('reads no further than a piece ahead of what is done', async () => {
    let ahead = 0
    async function* lines() {
      for (const [asked, user] of usersOf('slowly', 300).entries()) {
        if (asked % 50 === 0) ahead = Math.max(ahead, asked - (await changedOf('slowly')))
        yield `${JSON.stringify(user)}\n`
      }
    }
    expect((await terminal.admin(['import'], Readable.from(lines()))).code).toBe(0)
    expect(await changedOf('slowly')).toBe(300)
    expect(ahead).toBeLessThan(200)
  })
})

describe('export', () => {
  test('imported again with --replace changes nothing', async () => {
    const { out, err } = await terminal.admin(['export'])
    const count = out.trim().split('\n').length
    expect(err).toContain(`${count} users.`)
    const { code, lines } = await terminal.admin(['import', '--replace', '--json'], out)
    expect([code, lines[0]]).toEqual([0, { unchanged: count, dry_run: false }])
  })

  test('waits for a reader that is behind', async () => {
    const process = terminal.spawnAdmin(['export'])
    const { stdout } = process
    if (stdout === null) throw new Error('no standard output')
    const text = await textOf(stdout)
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)).length,
    ).toBeGreaterThan(700)
  })
})
