import { execFile } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { leaksIn } from './leaks.ts'

const token = 'seam_cst1a2b3c4d_0f9e8d7c6b5a49382716'
const bearer = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg'
const key = 'test-0a1b2c3d_ownerownerownerowner01_7c9e6679-7425-40de-944b-e07fc1f90ae7'
const webhookSecret = 'whsec_MfKQ9r+GKYq/TwjUPD8ILPZIo2LaLaSw'
const secrets = [token, bearer, key, webhookSecret]

test.each([
  ['plain', token],
  ['in base64', btoa(token)],
  ['in base64, behind a byte', btoa(`:${token}`)],
  ['in base64url, behind two', Buffer.from(`u:${webhookSecret}`).toString('base64url')],
  ['URL-encoded', encodeURIComponent(webhookSecret)],
  ['by its first characters', `… ${'0f9e8d7c6b5a49382716'.slice(0, 12)} …`],
  ['as a user_identifier_key', JSON.stringify({ reason: key })],
])('a secret that is written %s is found', (_, written) => {
  expect(leaksIn(`before ${written} after`, secrets)).not.toEqual([])
})

test('what looks like a secret is one, known or not', () => {
  expect(leaksIn(secrets.join(' '), [])).toHaveLength(secrets.length)
})

test('what is no secret is not found', () => {
  const line = JSON.stringify({ what: 'vend', owner: 'ownerownerownerowner01', token_sha256: '0a1b2c3d4e5f' })
  expect(leaksIn(line, secrets)).toEqual([])
})

test('a run in which children and a page print secrets fails, and repeats none', async () => {
  const run = `import { startVitest } from 'vitest/node'
    const settings = { config: 'test/vitest.config.ts', include: ['test/planted-leaks.ts'], watch: false }
    const vitest = await startVitest('test', [], settings)
    await vitest.exit()`
  const root = new URL('..', import.meta.url).pathname
  const ended = promisify(execFile)(process.execPath, ['--input-type=module', '-e', run], { cwd: root })
  await expect(ended).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringContaining('7 passed, 0 failed, 0 skipped'),
    stderr: expect.stringContaining('LEAKED: 6 secrets show in what the test run wrote (law 9).'),
  })
})

test('nothing prints past the search', () => {
  const root = new URL('.', import.meta.url).pathname
  const files = globSync('{functions,infra,lambda}/**/*.ts', { cwd: root })
  const wrong = files.filter((file) =>
    /(?<!heard\()new PassThrough\(\)(?!, \{ isTTY)|\b(spawn|exec|execFile)Sync\(|^import \{.*\bchromium\b.*'playwright-core'/m.test(
      readFileSync(`${root}${file}`, 'utf8'),
    ),
  )
  expect(wrong.sort()).toEqual(['infra/local/chromium.ts'])
})
