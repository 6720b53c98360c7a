import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { runIn } from './terminal.ts'

/** No world runs here: a usage error is told before one is looked for. */
const folder = mkdtempSync(join(tmpdir(), 'nonsense-'))
const own = (deployment: string) => ({
  tokenVending: {
    deployment,
    issuers: [{ name: 'main', issuer: 'https://login.example', audiences: ['a'] }],
    allowedOrigins: ['https://app.example'],
  },
})
writeFileSync(join(folder, 'token-vending.json'), JSON.stringify({ dev: own('dev'), prod: own('prod') }))
afterAll(() => rmSync(folder, { recursive: true }))

const account = '6f1c0a52-2f5e-4a9a-9d4e-0d2f4c1b7a10'

/** What is typed, and what of the sentence says what was meant or what to give. */
const inputs: [string, string][] = [
  ['grnt main|ada', 'Did you mean grant?'],
  ['help grnt', 'Did you mean grant?'],
  ['exprot', 'Did you mean export?'],
  ['Show main|ada', 'Did you mean show?'],
  ['signout-everywhere main|ada', 'Did you mean sign-out-everywhere?'],
  ['session main|ada', 'Did you mean sessions?'],
  ['main|ada show', "Unknown command 'main|ada'"],
  ['--stack doors', '--stack belongs to a command; name one of init, '],
  ['--json', '--json belongs to a command'],
  ['--frobnicate', '--frobnicate belongs to a command'],
  ['toString', "Unknown command 'toString'"],
  ['__proto__', "Unknown command '__proto__'"],
  ['list --al', 'Did you mean --all?'],
  ['list --statsu active', 'Did you mean --status?'],
  ['list --status actve', "'actve' is invalid. Allowed choices are active, disabled, removed."],
  ['list --status', "'--status <status>' argument missing"],
  ['list --limit none', '"none" is not a whole number'],
  ['list --limit 0', '"0" is not a whole number'],
  ['list --limit -5', '"-5" is not a whole number'],
  ['list --limit 1e3', '"1e3" is not a whole number'],
  ['list --account front-door', '`accounts` shows them'],
  ['list --after --all', '--after needs a value; --all is an option'],
  ['list main|ada', 'takes only options'],
  ['list --all=yes', '--all takes no value'],
  ['show', "Missing required argument 'subject'"],
  ['show ada', "give <issuer name>|<sub> in quotes, such as 'main|ada'"],
  ['show |ada', 'is not a whole subject'],
  ['show main|', 'is not a whole subject'],
  ['show main|ada main|grace', 'Expected 1 argument but got 2'],
  ['show main|ada --jsn', 'Did you mean --json?'],
  ['grant main|ada', "Missing required argument 'account'"],
  [`grant ${account} main|ada`, 'is not a whole subject'],
  ['grant main|ada front-door', '"front-door" is not the id of a connected account'],
  [`grant main|ada ${account}0`, 'is not the id of a connected account'],
  [`grant main|ada ${account} --until tomorrow`, 'such as 2026-03-31T12:00:00Z'],
  [`grant main|ada ${account} --until 2020-01-01T00:00:00Z`, '2020-01-01T00:00:00Z is in the past'],
  [`grant main|ada ${account} --until +0d`, 'is in the past'],
  [`grant main|ada ${account} --until 2031-02-31T00:00:00Z`, 'such as 2026-03-31T12:00:00Z'],
  [`set main|ada ${account} --until 2031-03-31T12:00:00`, 'a time with its offset'],
  ['set main|ada x', 'is not the id of a connected account'],
  ['withdraw main|ada all', 'is not the id of a connected account'],
  ['disable', "Missing required argument 'subject'"],
  ['disable ada', 'is not a whole subject'],
  ['move old|ada', "Missing required argument 'to'"],
  ['move old|ada ada', 'is not a whole subject'],
  ['end-session', 'Give either a subject, or --token -'],
  ['end-session main|ada --token -', 'Give either a subject, or --token -'],
  ['end-session --token seam_cst_hunter2', 'give "-", and the token on standard input'],
  ['accounts --unasigned', 'Did you mean --unassigned?'],
  ['who', "Missing required argument 'account'"],
  ['who abc', '"abc" is not the id of a connected account'],
  [`who ${account} --at yesterday`, 'or a day such as 2026-03-31'],
  [`who ${account} --at 2026-02-31`, 'or a day such as 2026-03-31'],
  ['explain eyJhbGciOiJSUzI1NiJ9.hunter2.x', 'make another one'],
  ['import no-such-file', 'no-such-file cannot be read (ENOENT)'],
  ['import .', '. is a folder'],
  ['import a b', 'Expected 1 argument but got 2'],
  ['export users.ndjson', 'takes only options'],
  ['drain --yes', "Unknown option '--yes'"],
  ['orphans --delet', 'Did you mean --delete?'],
  ['cleanup --dryrun', 'Did you mean --dry-run?'],
  ['cleanup now', 'takes only options'],
  ['list --stage prd', 'no "prd"; choose one of dev, prod'],
  ['list --stack doors --stage prod', 'Give --stack or --stage, not both'],
  ['list --stack --json', '--stack needs a value; --json is an option'],
  ['setup', 'Give --stack NAME or --stage NAME'],
  ['setup seam_hunter2 --stack doors', 'make another one'],
  ['setup --key=seam_hunter2 --stack doors', "Unknown option '--key'"],
  ['setup --stak doors', 'Did you mean --stack?'],
  ['doctor --endpoint http://vending.example', 'give an https:// address'],
  ['doctor --endpoint ftp://vending.example', 'give an https:// address'],
  ['doctor --token eyJhbGciOiJSUzI1NiJ9.hunter2.x', 'the token on standard input'],
  ['doctor --stack doors --endpoint https://vending.example', 'Give --stack or --endpoint'],
  ['probe --endpoint http://seam.example', 'give an https:// address'],
  ['probe --stack doors', "Unknown option '--stack'"],
  ['probe --log-out', 'Did you mean --log-in?'],
]

test('there are many, and no two are alike', () => {
  expect(new Set(inputs.map(([words]) => words)).size).toBe(inputs.length)
  expect(inputs.length).toBeGreaterThanOrEqual(60)
})

test.each(inputs)('%s exits 2 and says what to change', async (words, sentence) => {
  const { code, out, err } = await runIn(folder, words.split(' '))
  expect([code, out]).toEqual([2, ''])
  expect(err).toContain(sentence)
  expect(err).toMatch(/^[\w"`.'-].*[.?] See: seam-token-vending help[ a-z-]*\n$|^no-such-file/)
  expect(err).not.toContain('hunter2')
  expect(err).not.toMatch(/^ {4}at /m)
})
