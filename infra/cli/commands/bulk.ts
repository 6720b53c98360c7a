import { constants, createReadStream } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { isObject } from '../../../functions/caller/jws.ts'
import type { ImportedUser, ImportResult } from '../../../functions/operator/client.ts'
import { codeOf } from '../../local/cli-error.ts'
import { parsedJson } from '../../stage.ts'
import { command } from '../command.ts'
import { type ExitCode, exitCodes, UsageError } from '../errors.ts'
import { counted, sheet, shellQuoted, writeTo } from '../print.ts'
import { pages, type Tool } from '../tool.ts'

/** Users in and out as NDJSON, a piece at a time: memory stays flat however many there are. */

export const bulkCommands = {
  import: command({
    about:
      'import users from NDJSON: {"subject", "connected_account_ids", "status"?, "access_until"?, "not_before"?, "user_identity_id"?}',
    words: { '[file]': 'the file; absent or "-": standard input' },
    options: {
      replace: { about: 'make these the users’ accounts, and no others' },
      'dry-run': { about: 'print what would change, and change nothing' },
    },
    examples: ['import users.ndjson --replace --dry-run', 'import < users.ndjson'],
    run: (tool, [file = '-'], { replace = false, dryRun = false }) =>
      importUsers(tool, file, { replace, dry_run: dryRun }),
  }),
  export: command({
    about: 'export all users as NDJSON, as import takes them',
    examples: ['export > users.ndjson'],
    run: exportUsers,
  }),
  drain: command({
    about: 'end every client session we own, before destroying the stack; close vending first',
    examples: ['drain'],
    run: drain,
  }),
}

const pieceSize = 100
/** A piece is sent again this often while none of it gets done, a second apart. */
const mostTries = 5

interface Line {
  number: number
  user: ImportedUser
}

/** An import under way. */
interface Import {
  tool: Tool
  how: { replace: boolean; dry_run: boolean }
  counts: Record<string, number>
}

async function importUsers(tool: Tool, file: string, how: Import['how']): Promise<ExitCode> {
  const { stream, total } = file === '-' ? { stream: tool.streams.stdin } : await openFile(file)
  const run: Import = { tool, how, counts: {} }
  const progress = tool.progress('import', total)
  let piece: Line[] = []
  let number = 0
  for await (const text of linesOf(stream)) {
    number++
    if (text.trim() === '') continue
    const user = parsedJson(text)
    if (isObject(user)) piece.push({ number, user: user as unknown as ImportedUser })
    else count(run, { number }, 'refused', 'no JSON object')
    if (piece.length < pieceSize) continue
    await sendPiece(run, piece)
    if (run.counts.not_done) break
    piece = []
    progress.tell(number)
  }
  if (!run.counts.not_done) await sendPiece(run, piece)
  if (run.counts.not_done)
    tool.note(
      `Stopped before line ${number}: something is unavailable. Run it again; what is done is found done.`,
    )
  return report(run)
}

async function report({ tool, how, counts }: Import): Promise<ExitCode> {
  const what = Object.entries(counts).map(([outcome, count]) => `${count} ${outcome.replaceAll('_', ' ')}`)
  const title = how.dry_run ? 'Nothing was changed; an import would say:' : 'Imported:'
  const codes = [
    ['not_done', exitCodes.unavailable],
    ['refused', exitCodes.refused],
    ['will_be_retried', exitCodes.willBeRetried],
  ] as const
  const [, exitCode = exitCodes.done] = codes.find(([outcome]) => counts[outcome]) ?? []
  return tool.show(
    { ...counts, dry_run: how.dry_run },
    () => `${title}\n  ${what.join(', ') || 'nothing'}`,
    exitCode,
  )
}

async function sendPiece(run: Import, piece: Line[]): Promise<void> {
  let left = piece
  for (let idle = 0; left.length > 0; ) {
    const users = left.map(({ user }) => user)
    const { results } = await run.tool.callAdmin('import', { users, ...run.how })
    const undone: Line[] = []
    for (const [index, line] of left.entries()) {
      const result = results[index]
      if (result === undefined || result.outcome === 'not_done') undone.push(line)
      else await tellResult(run, line, result)
    }
    idle = undone.length < left.length ? 0 : idle + 1
    left = undone
    if (idle > mostTries) run.counts.not_done = left.length
    if (idle > mostTries || left.length === 0) return
    await run.tool.deps.sleep(1000)
  }
}

async function tellResult(run: Import, line: Line, result: ImportResult): Promise<void> {
  const { outcome, detail, granted = [], withdrawn = [], changes = [] } = result
  count(run, line, outcome, detail)
  if (result.will_be_retried) count(run, line, 'will_be_retried', detail)
  if (!run.how.dry_run || granted.length + withdrawn.length + changes.length === 0) return
  const parts = [...granted.map((id) => `+${id}`), ...withdrawn.map((id) => `-${id}`), ...changes]
  await run.tool.show(result, () => `${subjectOf(line)}  ${parts.join('  ')}`)
}

const subjectOf = ({ user }: Line) => shellQuoted(String(user.subject))

function count({ tool, counts }: Import, line: Line | { number: number }, outcome: string, detail?: string) {
  counts[outcome] = (counts[outcome] ?? 0) + 1
  const whose = 'user' in line ? ` (${subjectOf(line)})` : ''
  if (detail !== undefined) tool.note(`line ${line.number}${whose}: ${outcome}: ${detail}`)
}

async function exportUsers(tool: Tool): Promise<ExitCode> {
  const progress = tool.progress('export')
  let count = 0
  for await (const { users } of pages((next) => tool.callAdmin('export', next))) {
    for (const user of users) await writeTo(tool.streams.stdout, `${JSON.stringify(user)}\n`)
    count += users.length
    progress.tell(count)
  }
  tool.note(`${counted(count, 'user')}.`)
  return exitCodes.done
}

async function drain(tool: Tool): Promise<ExitCode> {
  const progress = tool.progress('drain')
  const total = { looked_at: 0, ended: 0, will_be_retried: 0, remaining: 0 }
  for await (const page of pages((next) => tool.callAdmin('drain', next))) {
    for (const name of ['looked_at', 'ended', 'will_be_retried'] as const) total[name] += page[name]
    total.remaining = page.remaining ?? 0
    progress.tell(total.looked_at)
  }
  await tool.show(total, () => sheet(total))
  if (total.remaining > 0 && total.will_be_retried === 0)
    tool.note(
      'No record names what is left, or it was made meanwhile: close vending, drain again, then see `orphans`.',
    )
  return total.will_be_retried > 0 ? exitCodes.willBeRetried : exitCodes.done
}

/** Reads no further than it is asked: readline would run a thousand lines ahead. */
async function* linesOf(stream: Readable): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of stream.setEncoding('utf8')) {
    const lines = `${rest}${chunk}`.split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  yield rest
}

async function openFile(file: string): Promise<{ stream: Readable; total: number | undefined }> {
  await access(file, constants.R_OK).catch((error: unknown) => {
    throw new UsageError(`${file} cannot be read (${codeOf(error)}).`)
  })
  const kind = await stat(file)
  if (kind.isDirectory())
    throw new UsageError(`${file} is a folder; give a file with a JSON object on each line.`)
  // To count would use a pipe up.
  if (!kind.isFile()) return { stream: createReadStream(file), total: undefined }
  let total = 0
  for await (const line of linesOf(createReadStream(file))) if (line.trim() !== '') total++
  return { stream: createReadStream(file), total }
}
