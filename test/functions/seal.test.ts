import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { deadlineIn } from '../../functions/deadline.ts'
import { sealingKeyReader, sealingKeysFrom, tokenSealer } from '../../functions/seal.ts'

const soon = deadlineIn(10_000, Date.now)
const secret = (current: string, previous?: string) => JSON.stringify({ current, previous })
const sealer = (text: string) => tokenSealer(() => sealingKeysFrom(text))
const [one, two, three] = [randomUUID(), randomUUID(), randomUUID()]

test('opens what it sealed, and shows nothing of it', async () => {
  const seal = sealer(secret(one))
  const sealed = await seal.seal('seam_cst123', 'session-1', soon)
  expect(sealed).not.toContain('seam_cst123')
  expect(await seal.open(sealed, 'session-1', soon)).toBe('seam_cst123')
})

test('the previous key still opens, a lost one does not', async () => {
  const sealed = await sealer(secret(one)).seal('seam_cst123', 'session-1', soon)
  expect(await sealer(secret(two, one)).open(sealed, 'session-1', soon)).toBe('seam_cst123')
  expect(await sealer(secret(three, two)).open(sealed, 'session-1', soon)).toBeUndefined()
})

test('a secret that reads otherwise is heeded at once', async () => {
  let reads = secret(one)
  const seal = tokenSealer(sealingKeyReader(async () => reads))
  const sealed = await seal.seal('seam_cst123', 'session-1', soon)
  expect(await seal.open(sealed, 'session-1', soon)).toBe('seam_cst123')
  reads = secret(two)
  expect(await seal.open(sealed, 'session-1', soon)).toBeUndefined()
  reads = secret(two, one)
  expect(await seal.open(sealed, 'session-1', soon)).toBe('seam_cst123')
})

test('a token cannot be moved to another client session, changed or made up', async () => {
  const seal = sealer(secret(one))
  const sealed = await seal.seal('seam_cst123', 'session-1', soon)
  expect(await seal.open(sealed, 'session-2', soon)).toBeUndefined()
  const [header, key, iv, ciphertext = '', tag] = sealed.split('.')
  const flipped = (ciphertext.startsWith('A') ? 'B' : 'A') + ciphertext.slice(1)
  expect(await seal.open([header, key, iv, flipped, tag].join('.'), 'session-1', soon)).toBeUndefined()
  for (const nonsense of ['', 'seam_cst123', '....', 'a.b.c.d.e'])
    expect(await seal.open(nonsense, 'session-1', soon)).toBeUndefined()
  // Another record's header on this ciphertext: the header is authenticated.
  const other = await seal.seal('seam_cst999', 'session-2', soon)
  const moved = [other.split('.')[0], key, iv, ciphertext, tag].join('.')
  expect(await seal.open(moved, 'session-2', soon)).toBeUndefined()
})

test.each([
  ['nothing', ''],
  ['no JSON', 'hush-hush-hush-hush-hush-hush-hush-hush'],
  ['a short text', secret('hush')],
])('a secret that is %s is refused without being quoted', async (_, text) => {
  const error = await sealingKeysFrom(text).then(
    () => undefined,
    (reason: Error) => reason,
  )
  expect(error?.message).toContain('sealing key secret must be')
  expect(error?.message).not.toContain('hush')
})
