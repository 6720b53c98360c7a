import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type { ImportedUser, ImportResult } from '../../functions/admin-client.ts'
import { codeOf } from '../local/trouble.ts'
import { type ExitCode, exitCodes, Misuse } from './exit-codes.ts'
import { counted, shellQuoted, table } from './printing.ts'
import { type Tool, writeTo } from './tool.ts'

/** Users in and out as NDJSON, a piece at a time: memory stays flat however many there are. */

const pieceSize = 100
/** A piece is sent again so often while none of it gets done, a second apart. */
const mostTries = 5

interface Line {
  number: number
  user: ImportedUser
}

export async function importLines(
  tool: Tool,
  file: string | undefined,
  how: { replace: boolean; dry_run: boolean },
): Promise<ExitCode> {
  const counts: Record<string, number> = {}
  const startedAt = tool.now()
  const progress = progressOf(tool)
  let piece: Line[] = []
  let number = 0
  let stopped = false

  for await (const text of linesOf(tool, file)) {
    number++
    if (text.trim() === '') continue
    const user = parsed(text)
    if (user === undefined) count('refused', number, '', 'no JSON object')
    else piece.push({ number, user })
    if (piece.length === pieceSize) await send()
    if (stopped) break
  }
  if (!stopped) await send()
  progress.end()
  if (stopped)
    tool.note(
      `Stopped before line ${number}: something is unavailable. Run it again; what is done is found done.`,
    )

  const done = Object.values(counts).reduce((sum, one) => sum + one, 0)
  const rate = Math.round(done / Math.max(0.001, (tool.now() - startedAt) / 1000))
  const what = Object.entries(counts).map(([outcome, count]) => `${count} ${outcome.replaceAll('_', ' ')}`)
  await tool.show({ ...counts, dry_run: how.dry_run }, () =>
    [
      how.dry_run ? 'Nothing was changed; an import would say:' : 'Imported:',
      `  ${what.join(', ') || 'nothing'} (${rate} a second)`,
    ].join('\n'),
  )
  if (counts.not_done) return exitCodes.unavailable
  if (counts.refused) return exitCodes.refused
  return counts.will_be_retried ? exitCodes.willBeRetried : exitCodes.done

  async function send(): Promise<void> {
    let left = piece
    piece = []
    for (let idle = 0; left.length > 0; ) {
      const { results } = await tool.callAdmin('import', { users: left.map(({ user }) => user), ...how })
      const undone: Line[] = []
      for (const [index, line] of left.entries()) {
        const result = results[index]
        if (result === undefined || result.outcome === 'not_done') undone.push(line)
        else await tell(line, result)
      }
      idle = undone.length < left.length ? 0 : idle + 1
      left = undone
      stopped = idle > mostTries
      if (stopped) counts.not_done = left.length
      if (stopped || left.length === 0) break
      await wait(1000)
    }
    progress.tell(number)
  }

  async function tell({ number: of, user }: Line, result: ImportResult): Promise<void> {
    count(result.outcome, of, String(user.subject), result.detail)
    if (result.will_be_retried) count('will_be_retried', of, user.subject)
    const { granted = [], withdrawn = [], changes = [] } = result
    if (!how.dry_run || granted.length + withdrawn.length + changes.length === 0) return
    const parts = [...granted.map((id) => `+${id}`), ...withdrawn.map((id) => `-${id}`), ...changes]
    await tool.show(result, () => `${shellQuoted(user.subject)}  ${parts.join('  ')}`)
  }

  function count(outcome: string, of: number, subject: string, detail?: string): void {
    counts[outcome] = (counts[outcome] ?? 0) + 1
    if (detail !== undefined)
      tool.note(`line ${of}${subject && ` (${shellQuoted(subject)})`}: ${outcome}: ${detail}`)
  }
}

export async function exportLines(tool: Tool): Promise<ExitCode> {
  let after: string | undefined
  let count = 0
  const progress = progressOf(tool)
  do {
    const page = await tool.callAdmin('export', after === undefined ? {} : { after })
    for (const user of page.users) await writeTo(tool.streams.stdout, `${JSON.stringify(user)}\n`)
    count += page.users.length
    after = page.after
    progress.tell(count)
  } while (after !== undefined)
  progress.end()
  tool.note(`${counted(count, 'user')}.`)
  return exitCodes.done
}

/** Ends every client session we own, page by page. */
export async function drainAll(tool: Tool): Promise<ExitCode> {
  const total = { looked_at: 0, ended: 0, will_be_retried: 0, remaining: 0 }
  let after: string | undefined
  const progress = progressOf(tool)
  do {
    const page = await tool.callAdmin('drain', after === undefined ? {} : { after })
    for (const name of ['looked_at', 'ended', 'will_be_retried'] as const) total[name] += page[name]
    total.remaining = page.remaining ?? 0
    after = page.after
    progress.tell(total.looked_at)
  } while (after !== undefined)
  progress.end()
  await tool.show(total, () =>
    [
      table(
        ['USERS', 'ENDED', 'WILL BE RETRIED', 'LEFT AT SEAM'],
        [[total.looked_at, total.ended, total.will_be_retried, total.remaining].map(String)],
      ),
      total.remaining > 0 && total.will_be_retried === 0
        ? 'What is left is named by no record, or was made meanwhile: close vending, drain again, then see `orphans`.'
        : '',
    ]
      .filter(Boolean)
      .join('\n'),
  )
  return total.will_be_retried > 0 ? exitCodes.willBeRetried : exitCodes.done
}

/** Reads no further than it is asked: readline would run a thousand lines ahead. */
async function* linesOf({ streams }: Tool, file = '-'): AsyncGenerator<string> {
  const stream = file === '-' ? streams.stdin : await fileStream(file)
  let rest = ''
  for await (const chunk of stream.setEncoding('utf8')) {
    const lines = `${rest}${chunk}`.split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  yield rest
}

async function fileStream(file: string): Promise<Readable> {
  const handle = await open(file).catch((error: unknown) => {
    throw new Misuse(`${file} cannot be read (${codeOf(error)}).`)
  })
  return handle.createReadStream()
}

function parsed(text: string): ImportedUser | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as ImportedUser)
      : undefined
  } catch {
    return undefined
  }
}

/** One line that counts up on a terminal, a line a thousand elsewhere. */
function progressOf({ streams: { stderr } }: Tool): { tell(count: number): void; end(): void } {
  let told = 0
  return {
    tell(count) {
      if (stderr.isTTY) stderr.write(`\r${count} `)
      else if (Math.floor(count / 1000) > Math.floor(told / 1000)) stderr.write(`${count}\n`)
      told = count
    },
    end: () => void (stderr.isTTY && told > 0 && stderr.write('\r')),
  }
}
