import { randomUUID } from 'node:crypto'
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose'
import { expect, test } from 'vitest'
import { deadlineIn } from '../../functions/deadline.ts'
import { sealingKeyReader, sealingKeysFrom, tokenSealer } from '../../functions/seal.ts'

const soon = deadlineIn(10_000, Date.now)
const secret = (current: string, previous?: string) => JSON.stringify({ current, previous })
const sealer = (text: string) => tokenSealer(async () => sealingKeysFrom(text))
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

test('what it seals is a JWE that jose opens, and it opens what jose seals', async () => {
  const { current } = sealingKeysFrom(secret(one))
  const seal = sealer(secret(one))
  const sealed = await seal.seal('seam_cst123', 'session-1', soon)
  const opened = await compactDecrypt(sealed, current.key, {
    keyManagementAlgorithms: ['dir'],
    contentEncryptionAlgorithms: ['A256GCM'],
  })
  expect(new TextDecoder().decode(opened.plaintext)).toBe('seam_cst123')
  expect(opened.protectedHeader).toEqual({
    alg: 'dir',
    enc: 'A256GCM',
    kid: current.kid,
    client_session_id: 'session-1',
  })
  const byJose = await new CompactEncrypt(new TextEncoder().encode('seam_cst456'))
    .setProtectedHeader(decodeProtectedHeader(sealed) as { alg: string; enc: string })
    .encrypt(current.key)
  expect(await seal.open(byJose, 'session-1', soon)).toBe('seam_cst456')
})

test('no two sealings of one token are alike', async () => {
  const seal = sealer(secret(one))
  const sealed = await Promise.all(Array.from({ length: 100 }, () => seal.seal('t', 'session-1', soon)))
  expect(new Set(sealed.map((it) => it.split('.')[2])).size).toBe(100)
})

test('each of its characters counts', async () => {
  const seal = sealer(secret(one))
  const sealed = await seal.seal('seam_cst123', 'session-1', soon)
  for (let at = 0; at < sealed.length; at++) {
    const [before, after] = [sealed.slice(0, at), sealed.slice(at + 1)]
    const others = ['A', 'B', 'w', '-', '=', '~', '.', ''].filter((other) => other !== sealed[at])
    // What a lenient decoder skips, beside what stands there.
    const more = ['~', '=', ' '].map((other) => sealed[at] + other)
    for (const other of [...others, ...more])
      expect(await seal.open(before + other + after, 'session-1', soon), `${other} at ${at}`).toBeUndefined()
  }
})

test.each([
  ['shorter', (tag: string) => Buffer.from(tag, 'base64url').subarray(0, 12).toString('base64url')],
  ['missing', () => ''],
  ['doubled', (tag: string) => tag + tag],
])('a tag that is %s opens nothing', async (_, change) => {
  const seal = sealer(secret(one))
  const [header, key, iv, ciphertext, tag = ''] = (await seal.seal('seam_cst123', 'session-1', soon)).split(
    '.',
  )
  const changed = [header, key, iv, ciphertext, change(tag)].join('.')
  expect(await seal.open(changed, 'session-1', soon)).toBeUndefined()
})

test.each([
  ['nothing', ''],
  ['no JSON', 'hush-hush-hush-hush-hush-hush-hush-hush'],
  ['a short text', secret('hush')],
])('a secret that is %s is refused without being quoted', (_, text) => {
  expect(() => sealingKeysFrom(text)).toThrow('sealing key secret must be')
  expect(() => sealingKeysFrom(text)).not.toThrow('hush')
})
