import { appendFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { AccountAudit } from '../../../functions/http/audit.ts'
import { auditTrail, auditWriter } from '../../../infra/local/files.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-'))
})
afterEach(() => rm(folder, { recursive: true }))

const line = (at: number): AccountAudit => ({
  what: 'account',
  act: 'grant',
  by: 'a test',
  at,
  owner: 'o',
  subject: 'main|ada',
  after: { status: 'active', connected_account_ids: ['a'] },
})
const all = async () => {
  const lines: AccountAudit[] = []
  for await (const one of auditTrail(folder)) lines.push(one)
  return lines
}

test('what was written is read in its order, and none is read where there is none', async () => {
  expect(await all()).toEqual([])
  const [one, other] = [auditWriter(folder), auditWriter(folder)]
  one(line(1))
  other(line(2))
  one(line(3))
  expect(await all()).toEqual([line(1), line(2), line(3)])
})

test('is for its owner alone', async () => {
  auditWriter(folder)(line(1))
  expect((await stat(join(folder, 'audit.ndjson'))).mode & 0o777).toBe(0o600)
})

test('a damaged line is named, not skipped', async () => {
  auditWriter(folder)(line(1))
  await appendFile(join(folder, 'audit.ndjson'), '{"what":\n')
  await expect(all()).rejects.toThrow('line 2')
  expect((await readFile(join(folder, 'audit.ndjson'), 'utf8')).split('\n')).toHaveLength(3)
})
