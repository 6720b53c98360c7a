import { hash, randomUUID } from 'node:crypto'
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose'
import { expect, test } from 'vitest'
import { deadlineIn } from '../../../functions/http/deadline.ts'
import { sealingKeyReader, sealingKeysFrom, tokenSealer } from '../../../functions/session/seal.ts'

const soon = deadlineIn(10_000, Date.now)
const secret = (current: string, previous?: string) => JSON.stringify({ current, previous })
const sealer = (text: string) => tokenSealer(async () => sealingKeysFrom(text))
/** Of the record that a token is sealed for. */
const mine = { client_session_id: 'session-1', owner: 'owner-1', user_identifier_key: 'key-1' }
const other = { client_session_id: 'session-2', owner: 'owner-2', user_identifier_key: 'key-2' }
const [one, two, three] = [randomUUID(), randomUUID(), randomUUID()]

test('opens what it sealed, and shows nothing of it', async () => {
  const seal = sealer(secret(one))
  const sealed = await seal.seal('seam_cst123', mine, soon)
  expect(sealed).not.toContain('seam_cst123')
  expect(await seal.open(sealed, mine, soon)).toBe('seam_cst123')
})

test('the previous key still opens, a lost one does not', async () => {
  const sealed = await sealer(secret(one)).seal('seam_cst123', mine, soon)
  expect(await sealer(secret(two, one)).open(sealed, mine, soon)).toBe('seam_cst123')
  expect(await sealer(secret(three, two)).open(sealed, mine, soon)).toBeUndefined()
})

test('a secret that reads otherwise is heeded at once', async () => {
  let reads = secret(one)
  const seal = tokenSealer(sealingKeyReader(async () => reads))
  const sealed = await seal.seal('seam_cst123', mine, soon)
  expect(await seal.open(sealed, mine, soon)).toBe('seam_cst123')
  reads = secret(two)
  expect(await seal.open(sealed, mine, soon)).toBeUndefined()
  reads = secret(two, one)
  expect(await seal.open(sealed, mine, soon)).toBe('seam_cst123')
})

test('a token cannot be moved to another client session, changed or made up', async () => {
  const seal = sealer(secret(one))
  const sealed = await seal.seal('seam_cst123', mine, soon)
  expect(await seal.open(sealed, other, soon)).toBeUndefined()
  const [header, key, iv, ciphertext = '', tag] = sealed.split('.')
  const flipped = (ciphertext.startsWith('A') ? 'B' : 'A') + ciphertext.slice(1)
  expect(await seal.open([header, key, iv, flipped, tag].join('.'), mine, soon)).toBeUndefined()
  for (const nonsense of ['', 'seam_cst123', '....', 'a.b.c.d.e'])
    expect(await seal.open(nonsense, mine, soon)).toBeUndefined()
  // Another record's header on this ciphertext: the header is authenticated.
  const theirs = await seal.seal('seam_cst999', other, soon)
  const moved = [theirs.split('.')[0], key, iv, ciphertext, tag].join('.')
  expect(await seal.open(moved, other, soon)).toBeUndefined()
})

test.each(Object.keys(mine) as (keyof typeof mine)[])(
  'a token cannot be moved to a record of another %s',
  async (name) => {
    const seal = sealer(secret(one))
    const sealed = await seal.seal('seam_cst123', mine, soon)
    expect(await seal.open(sealed, { ...mine, [name]: other[name] }, soon)).toBeUndefined()
    expect(await seal.open(sealed, { ...mine, [name]: '' }, soon)).toBeUndefined()
  },
)

test('a token that does not say whose it is, as the first edition sealed them, opens nothing', async () => {
  const { current } = sealingKeysFrom(secret(one))
  const header = { alg: 'dir', enc: 'A256GCM', kid: current.kid, client_session_id: 'session-1' }
  const sealed = await new CompactEncrypt(new TextEncoder().encode('seam_cst456'))
    .setProtectedHeader(header)
    .encrypt(current.key)
  expect(await sealer(secret(one)).open(sealed, mine, soon)).toBeUndefined()
})

test('the key itself stands in no part of what is sealed', async () => {
  const key = `prod-1a2b3c4d_${randomUUID()}`
  const sealed = await sealer(secret(one)).seal('t', { ...mine, user_identifier_key: key }, soon)
  expect(Buffer.from(sealed.split('.')[0] ?? '', 'base64url').toString()).not.toContain(key)
})

test('what it seals is a JWE that jose opens, and it opens what jose seals', async () => {
  const { current } = sealingKeysFrom(secret(one))
  const seal = sealer(secret(one))
  const sealed = await seal.seal('seam_cst123', mine, soon)
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
    owner: 'owner-1',
    key_sha256: hash('sha256', 'key-1', 'base64url'),
  })
  const byJose = await new CompactEncrypt(new TextEncoder().encode('seam_cst456'))
    .setProtectedHeader(decodeProtectedHeader(sealed) as { alg: string; enc: string })
    .encrypt(current.key)
  expect(await seal.open(byJose, mine, soon)).toBe('seam_cst456')
})

test('no two sealings of one token are alike', async () => {
  const seal = sealer(secret(one))
  const sealed = await Promise.all(Array.from({ length: 100 }, () => seal.seal('t', mine, soon)))
  expect(new Set(sealed.map((it) => it.split('.')[2])).size).toBe(100)
})

test('each of its characters counts', async () => {
  const seal = sealer(secret(one))
  const sealed = await seal.seal('seam_cst123', mine, soon)
  for (let at = 0; at < sealed.length; at++) {
    const [before, after] = [sealed.slice(0, at), sealed.slice(at + 1)]
    const others = ['A', 'B', 'w', '-', '=', '~', '.', ''].filter((other) => other !== sealed[at])
    // What a lenient decoder skips, beside what stands there.
    const more = ['~', '=', ' '].map((other) => sealed[at] + other)
    for (const other of [...others, ...more])
      expect(await seal.open(before + other + after, mine, soon), `${other} at ${at}`).toBeUndefined()
  }
})

test.each([
  ['shorter', (tag: string) => Buffer.from(tag, 'base64url').subarray(0, 12).toString('base64url')],
  ['missing', () => ''],
  ['doubled', (tag: string) => tag + tag],
])('a tag that is %s opens nothing', async (_, change) => {
  const seal = sealer(secret(one))
  const [header, key, iv, ciphertext, tag = ''] = (await seal.seal('seam_cst123', mine, soon)).split('.')
  const changed = [header, key, iv, ciphertext, change(tag)].join('.')
  expect(await seal.open(changed, mine, soon)).toBeUndefined()
})

test.each([
  ['nothing', ''],
  ['no JSON', 'hush-hush-hush-hush-hush-hush-hush-hush'],
  ['a short text', secret('hush')],
])('a secret that is %s is refused without being quoted', (_, text) => {
  expect(() => sealingKeysFrom(text)).toThrow('sealing key secret must be')
  expect(() => sealingKeysFrom(text)).not.toThrow('hush')
  // Law 8: an outage of ours, with a dependency in the audit line.
  expect(() => sealingKeysFrom(text)).toThrow(
    expect.objectContaining({
      code: 'upstream_unavailable',
      details: expect.objectContaining({ dependency: 'secrets' }),
    }),
  )
})
