import type { CleanupReport } from '../../functions/cleanup/report.ts'
import type { Audit } from '../../functions/http/audit.ts'
import { CliError } from './cli-error.ts'
import { readEnvironment } from './environment.ts'
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
  const world = await starting
  console.log(introduction(world))
  console.log('ready')
} catch (error) {
  console.error(error instanceof CliError ? `\n${error.message}\n` : error)
  await end(1)
}

async function start(): Promise<World> {
  const options = readEnvironment(process.env, process.argv.slice(2))
  if (process.env.SEAM_API_KEY && options.seam === undefined)
    console.log('SEAM_API_KEY is set, SEAM_ENDPOINT is not: the local Seam workspace is used.\n')
  console.log('Starting: DynamoDB, Seam, identity provider, API, page …\n')
  return await startWorld({ ...options, log: report, cleaned })
}

async function end(code = 0): Promise<never> {
  const world = await starting.catch(() => undefined)
  await world?.close()
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

/** The programs that the world starts must not inherit the user's keys. */
function keepFromChildren(): void {
  const needed = ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot']
  for (const name of Object.keys(process.env)) if (!needed.includes(name)) delete process.env[name]
}

function introduction({ file, identityProvider }: World): string {
  const { api, page, issuer, audience, seam, dynamodb, users } = file
  const sub = users?.[0] ?? 'ada'
  const isLocal = issuer === identityProvider.issuer
  const token = isLocal ? `$(curl -sS -H accept:text/plain -d '{"sub":"${sub}"}' ${issuer}/token)` : '$TOKEN'
  const who = isLocal ? `as ${sub}` : `with a token of ${issuer} for ${audience} in $TOKEN`
  return `The token vending machine, on this machine alone:

  page       ${page}
  API        ${api}
  issuer     ${issuer}
  Seam       ${seam}
  DynamoDB   ${dynamodb}

Open the page, or ask for a client session token ${who}:

curl -sS -w '\\n%{http_code}\\n' -X POST -H "authorization: Bearer ${token}" ${api}/client-session
`
}

/** One line per request, from the audit record, which holds no secret. */
function report({ method, path, status, code, reason, verdicts, took }: Audit): void {
  const why = [code, reason !== code && reason, ...(verdicts ?? [])].filter(Boolean).join(', ')
  console.log(`${method} ${path} ${status}${why && ` (${why})`} ${took} ms`)
}

/** One line per cleanup that had something to do. */
function cleaned({
  looked_at,
  ended,
  strays_ended,
  settled,
  failed,
  fuse,
  stopped,
  took,
}: CleanupReport): void {
  if (looked_at === 0 && failed === 0 && (stopped === undefined || stopped === 'nothing_made_yet')) return
  const counts = { ...ended, strays_ended, settled, failed }
  const what = Object.entries(counts).flatMap(([name, count]) => (count > 0 ? `${count} ${name}` : []))
  const why = [...what, fuse, stopped].filter(Boolean).join(', ')
  console.log(`cleaned up (${why || 'nothing to end'}) ${took} ms`)
}
