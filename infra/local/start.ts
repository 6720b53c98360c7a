import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { styleText } from 'node:util'
import type { CleanupReport } from '../../functions/cleanup/report.ts'
import type { Audit } from '../../functions/http/audit.ts'
import { cleanupWords } from './cleanup-words.ts'
import { CliError } from './cli-error.ts'
import { curlFor } from './curl.ts'
import { readEnvironment } from './environment.ts'
import type { WorldFile } from './files.ts'
import { startWorld, type World } from './world.ts'

/** `npm start`: runs the local world until a signal ends it. */

// Only the owner can read what this process writes from here on.
process.umask(0o077)

const starting = start()
// Once: a second Ctrl-C ends the process then and there.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void end())
endWithNpm()
keepFromChildren()

try {
  const { file, folder, identityProvider } = await starting
  console.log(introduction(file, identityProvider.issuer, process.env.LOCAL_DIR))
  endWithFolder(folder)
  console.log('ready')
} catch (error) {
  console.error(error instanceof CliError ? `\n${error.message}\n` : error)
  await end(1)
}

async function start(): Promise<World & { folder: string }> {
  const options = readEnvironment(process.env, process.argv.slice(2))
  if (process.env.SEAM_API_KEY && options.seam === undefined)
    console.log('SEAM_API_KEY is set, SEAM_ENDPOINT is not: the local Seam workspace is used.\n')
  console.log('Starting: DynamoDB, Seam, identity provider, API, page …\n')
  return { ...(await startWorld({ ...options, log: report, cleaned })), folder: options.folder }
}

async function end(code = 0): Promise<never> {
  const world = await starting.catch(() => undefined)
  // Without its folder it has nowhere to save, and has said so.
  await world?.close().catch((error: unknown) => code === 0 && console.error(error))
  process.exit(code)
}

/**
 * A killed npm cannot signal us, and its next start would find our ports and our folder taken. npm is our parent
 * because the script says `exec`: a shell in between would keep the signals that npm passes on.
 */
function endWithNpm(): void {
  if (process.env.npm_lifecycle_event === undefined) return
  const npm = process.ppid
  setInterval(() => process.ppid !== npm && void end(), 200).unref()
}

/** What is written into a folder that was deleted is lost, and the next world would share our ports. */
function endWithFolder(folder: string): void {
  const watching = setInterval(() => {
    if (existsSync(join(folder, 'lock'))) return
    clearInterval(watching)
    console.error(`\n${folder} was deleted, so the local world has stopped. "npm start" begins anew.\n`)
    void end(1)
  }, 300).unref()
}

/** The programs that the world starts must not inherit the user's keys. */
function keepFromChildren(): void {
  const needed = /^(PATH|HOME|TMPDIR|TEMP|TMP|SystemRoot|LOCAL_DIR|NO_COLOR|FORCE_COLOR)$/
  for (const name of Object.keys(process.env)) if (!needed.test(name)) delete process.env[name]
}

/** One line per request, from the audit record, which holds no secret. */
function report({ method = '', path, status = 0, code, reason, verdicts = [], command, took }: Audit): void {
  const why = [code, reason !== code && reason, ...folded(verdicts)].filter(Boolean).join(', ')
  const what = command ? `page   ${command}` : `${coloured(status)} ${method.padEnd(6)} ${path}`
  console.log(`${what}${why && ` (${why})`} ${took} ms`)
}

function coloured(status: number): string {
  return styleText(status < 300 ? 'green' : status < 500 ? 'yellow' : 'red', String(status))
}

/** `reuse:live ×3`: what comes several times in a row, once. */
function folded(verdicts: string[]): string[] {
  const runs: { verdict: string; count: number }[] = []
  for (const verdict of verdicts) {
    const last = runs.at(-1)
    if (last?.verdict === verdict) last.count++
    else runs.push({ verdict, count: 1 })
  }
  return runs.map(({ verdict, count }) => (count > 1 ? `${verdict} ×${count}` : verdict))
}

/** One line per cleanup that had something to do. */
function cleaned(report: CleanupReport): void {
  const what = report.stopped === 'nothing_made_yet' ? '' : cleanupWords(report)
  if (what !== '') console.log(`cleaned up (${what}) ${report.took} ms`)
}

/** What `npm start` prints: what a newcomer needs next, in that order. */
function introduction(file: WorldFile, localIssuer: string, folder: string | undefined): string {
  const { api, page, issuer, audience, seam, seam_control, dynamodb, users } = file
  const sub = users?.[0] ?? 'ada'
  const isLocal = issuer === localIssuer
  const run = `${folder ? `LOCAL_DIR='${folder}' ` : ''}npm run -s`
  const who = isLocal ? `as ${sub}` : `with a token of ${issuer} for ${audience} in $TOKEN`
  const subject = `'${file.configuration.deployment === 'local' ? 'local' : '<issuer name>'}|${sub}'`
  const faults = (method: string, body = '') => `curl -sS -X ${method} ${seam_control}/faults${body}`
  return `The token vending machine, on this machine alone. Open the page:

  ${page}

Ask for a client session token ${who}:

${curlFor(api, issuer, sub, isLocal ? undefined : '$TOKEN')}

Operate it, in another terminal:

${run} token-vending -- show ${subject}
${run} token-vending -- accounts
${run} cleanup -- --dry-run
${run} doctor
${seam_control === undefined ? '' : `\nBreak Seam, and mend it:\n\n${faults('PUT', ` -d '{"faults":[{"kind":"status","status":503}]}'`)}\n${faults('DELETE')}\n`}
  API        ${api}
  issuer     ${issuer}
  Seam       ${seam}
  DynamoDB   ${dynamodb}

Ctrl-C stops all of it; "npm start -- --reset" begins anew.
`
}
