import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Law 9 over the whole test run: whatever the machine logged and whatever the test processes printed is searched,
 * when all tests have ended, for every secret that existed in any of them. A find fails the run.
 */

const folder = () => process.env.TEST_TRACES

/** A secret has come into being. */
export function existed(...secrets: (string | null | undefined)[]): void {
  note('secrets', secrets.filter((secret) => typeof secret === 'string' && secret.length >= 12).join('\n'))
}

/** Something was written where others can read it. */
export function wrote(text: string): void {
  note('written', text)
}

function note(what: 'secrets' | 'written', text: string): void {
  const into = folder()
  if (into !== undefined && text !== '') appendFileSync(join(into, `${what}-${process.pid}`), `${text}\n`)
}

/** The secrets that show in a text: plain, in base64, URL-encoded, or by their first 12 characters. */
export function leaksIn(written: string, secrets: Iterable<string>): string[] {
  return [...new Set(secrets)].filter((secret) => formsOf(secret).some((form) => written.includes(form)))
}

function formsOf(secret: string): string[] {
  const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '')
  // A prefix must tell secrets apart: all bearer tokens of an algorithm begin alike, and so do all of Seam's tokens.
  const body = secret.startsWith('eyJ')
    ? secret.slice(secret.lastIndexOf('.') + 1)
    : secret.replace(/^(seam_cst1?|seam_|whsec_)/, '')
  const random = body.includes('_') ? body.slice(body.lastIndexOf('_') + 1) : body
  return [secret, base64, encodeURIComponent(secret), random.slice(0, 12)].filter((form) => form.length >= 12)
}

/** vitest's `globalSetup`. */
export function setup(): () => void {
  const into = mkdtempSync(join(tmpdir(), 'seam-token-vending-traces-'))
  process.env.TEST_TRACES = into
  return function teardown() {
    const files = readdirSync(into)
    const read = (what: string) =>
      files
        .filter((file) => file.startsWith(what))
        .map((file) => readFileSync(join(into, file), 'utf8'))
        .join('\n')
    const secrets = read('secrets').split('\n').filter(Boolean)
    const leaks = leaksIn(read('written'), secrets)
    rmSync(into, { recursive: true })
    if (leaks.length === 0) return
    console.error(
      `LEAKED: ${leaks.length} of ${secrets.length} secrets show in what the test run wrote (law 9).`,
    )
    process.exitCode = 1
    throw new Error('secrets were written during the test run')
  }
}
