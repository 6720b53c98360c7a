import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Law 9 over the whole test run: whatever a test process, a child of one or a page printed, and whatever a machine
 * logged, is searched, when all tests have ended, for every secret that existed in any of them. A find fails the run.
 */

const folder = () => process.env.TEST_TRACES
const known = new Set<string>()
let streams = 0

/** Secrets have come into being. */
export function existed(...secrets: (string | null | undefined)[]): void {
  for (const secret of secrets) {
    if (typeof secret !== 'string' || secret.length < length || known.has(secret)) continue
    known.add(secret)
    note('secrets', `${secret}\n`)
  }
}

/** What has the shape of a secret in what passed between two processes is one. */
export function passed(text: string): void {
  existed(...secretsIn(text))
}

/** Something was written where others can read it. */
export function wrote(text: string): void {
  note('written', `${text}\n`)
}

/** The same stream: what comes out of it was written where others can read it. */
export function heard<Stream extends { push(chunk: unknown, encoding?: BufferEncoding): boolean }>(
  stream: Stream,
): Stream {
  const push = stream.push.bind(stream)
  const name = `written-${++streams}`
  stream.push = (chunk, encoding) => {
    // Chunk to chunk, for a secret may lie across two.
    if (chunk !== null) note(name, Buffer.from(chunk as Uint8Array).toString('latin1'))
    return push(chunk, encoding)
  }
  return stream
}

function note(file: string, text: string): void {
  const into = folder()
  if (into !== undefined && text !== '') appendFileSync(join(into, `${file}-${process.pid}`), text)
}

/** Bearer tokens; API keys and client session tokens, but no publishable keys; webhook secrets; what is its own in a user_identifier_key. */
const shapes = [
  /\beyJ[\w-]+\.[\w-]+\.[\w-]{20,}/g,
  /\bseam_(?!pk_)(?=[a-z_]*\d)\w{16,}/g,
  /\bwhsec_[A-Za-z0-9+/]{22,}={0,2}/g,
  /_[\w-]{22}_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g,
]
const sealingKey = /\\*"(?:current|previous)\\*":\\*"([^"\\]{12,})/g

function secretsIn(text: string): string[] {
  return [
    ...shapes.flatMap((shape) => text.match(shape) ?? []),
    ...[...text.matchAll(sealingKey)].map(([, key = '']) => key),
  ]
}

/** Characters that tell two secrets apart. */
const length = 12

/** The secrets that show in a text, plain, in base64, URL-encoded, or by 12 characters alone; and what looks like one. */
export function leaksIn(written: string, secrets: Iterable<string>): { secret: string; at: number }[] {
  const secretOf = new Map<string, string>()
  for (const secret of secrets) for (const mark of marksOf(secret)) secretOf.set(mark, secret)
  const leaks = new Map<string, number>()
  for (const shape of shapes)
    for (const { 0: secret, index } of written.matchAll(shape)) leaks.set(secret, index)
  for (let at = 0; at + length <= written.length; at++) {
    const secret = secretOf.get(written.slice(at, at + length))
    if (secret !== undefined && !leaks.has(secret)) leaks.set(secret, at)
  }
  return [...leaks].map(([secret, at]) => ({ secret, at }))
}

/** What each form of a secret has in it: the first 12 characters that are its own, as they stand or encoded. */
function marksOf(secret: string): string[] {
  // All bearer tokens of an algorithm begin alike, and so do all of Seam's tokens, and a user's keys.
  const own = secret.slice(secret.lastIndexOf(secret.startsWith('eyJ') ? '.' : '_') + 1)
  const part = own.length < length ? secret.slice(-length) : own.slice(0, length)
  // In base64 it looks otherwise behind 3n, 3n + 1 and 3n + 2 bytes; what is next to it colours its first character.
  const encoded = [0, 1, 2].map((before) =>
    Buffer.from(' '.repeat(before) + part)
      .toString('base64')
      .slice(Math.ceil((before * 4) / 3))
      .slice(0, length),
  )
  const urlSafe = encoded.map((one) => one.replaceAll('+', '-').replaceAll('/', '_'))
  return [part, encodeURIComponent(part).slice(0, length), ...encoded, ...urlSafe]
}

/** vitest's `globalSetup`. */
export async function setup(): Promise<() => void> {
  const into = mkdtempSync(join(tmpdir(), 'seam-token-vending-traces-'))
  process.env.TEST_TRACES = into
  // Here too: what a test process or a child of one writes past Node comes out of here.
  await import('./listening.ts')
  return function teardown() {
    const files = readdirSync(into)
    const read = (what: string) =>
      files
        .filter((file) => file.startsWith(what))
        .map((file) => readFileSync(join(into, file), 'latin1'))
        .join('\n')
    const written = read('written')
    const leaks = leaksIn(written, new Set(read('secrets').split('\n').filter(Boolean)))
    delete process.env.TEST_TRACES
    rmSync(into, { recursive: true })
    if (leaks.length === 0) return
    // Whatever may be a secret itself is left out.
    const places = leaks.map(({ at }) =>
      written.slice(Math.max(0, at - 200), at).replaceAll(/[\w-]{12,}/g, '…'),
    )
    console.error(
      `LEAKED: ${leaks.length} secrets show in what the test run wrote (law 9).\n${places.join('\n---\n')}`,
    )
    process.exitCode = 1
    throw new Error('secrets were written during the test run')
  }
}
