import type { Writable } from 'node:stream'
import { styleText } from 'node:util'

/** How results look: one table, one way to colour, one way to tell progress. */

export type Paint = (style: Parameters<typeof styleText>[0], text: string) => string

/** Colours on a terminal, unless NO_COLOR is set to anything (https://no-color.org). */
export function painter(
  stream: { isTTY?: boolean },
  { NO_COLOR, TERM }: { NO_COLOR?: string; TERM?: string },
): Paint {
  const isPlain = stream.isTTY !== true || !!NO_COLOR || TERM === 'dumb'
  return (style, text) => (isPlain ? text : styleText(style, text, { validateStream: false }))
}

/** Waits for a slow reader, so that memory stays flat, and for nobody who has stopped reading. */
export function writeTo(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve) => {
    if (stream.write(text, () => resolve())) resolve()
  })
}

/** As a shell takes it for one word: Auth0's subjects have a `|`. */
export function shellQuoted(text: string): string {
  const safe = visible(text)
  return /^[\w@%+=:,./-]+$/.test(safe) ? safe : `'${safe.replaceAll("'", "'\\''")}'`
}

/** Names at Seam are strangers' texts: control characters could steer a terminal. */
function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '')
}

/** Columns as wide as they must be. */
export function table(headings: string[], rows: string[][], paint: Paint = (_, text) => text): string {
  const lines = [headings, ...rows].map((row) => row.map(visible))
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const [head = '', ...rest] = lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return [paint('bold', head), ...rest].join('\n')
}

/** A member of a result is called as in JSON, but for what says only of which kind it is. */
export const nameOf = (member: string) =>
  member
    .replace(/^connected_|_id$/g, '')
    .replace(/_ids$/, 's')
    .replaceAll('_', ' ')

/** A member of a result as a person reads it: times to the second, of ids their number. */
export function cellOf(member: string, value: unknown): string {
  if (value === undefined) return ''
  if (Array.isArray(value))
    return member.endsWith('_ids') ? String(value.length) : value.map(shellQuoted).join(' ')
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([name, one]) => `${cellOf(name, one)} ${name}`)
      .join(', ')
  if (member === 'subject') return shellQuoted(String(value))
  return String(value).replace(/^(\d{4}-\d\d-\d\dT[\d:]+)\.\d+Z$/, '$1Z')
}

/** A result as two columns; several ids stand one below the other. */
export function sheet(result: object): string {
  const lines = Object.entries(result).map(([member, value]) => {
    const text = Array.isArray(value) ? value.join(`\n${' '.repeat(20)}`) : cellOf(member, value)
    return `${nameOf(member).padEnd(20)}${text || 'none'}`
  })
  return lines.join('\n')
}

const plain = new Intl.NumberFormat('en-US')

export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

export type Progress = ReturnType<typeof startProgress>

/** How far a long command is: one line that counts up on a terminal, a line a thousand elsewhere. */
export function startProgress(
  stream: Writable & { isTTY?: boolean },
  now: () => number,
  label: string,
  total: number | undefined,
) {
  const startedAt = now()
  let count = 0
  let isShown = false
  return {
    tell(done: number): void {
      const line = progressLine(label, done, total, now() - startedAt)
      if (stream.isTTY) stream.write(`\r\u001b[K${line}`)
      else if (Math.floor(done / 1000) > Math.floor(count / 1000)) stream.write(`${line}\n`)
      isShown = stream.isTTY === true
      count = done
    },
    /** Before anything else is printed. */
    clear(): void {
      if (isShown) stream.write('\r\u001b[K')
      isShown = false
    },
    /** Such as "import: 300 of 1,200"; undefined before anything is done. */
    soFar: () => (count === 0 ? undefined : `${label}: ${progressCount(count, total)}`),
  }
}

/** Such as `import: 300 of 1,200, 120 a second, 8 s left`. PURE. `took`: milliseconds. */
export function progressLine(label: string, count: number, total: number | undefined, took: number): string {
  const rate = count / Math.max(0.001, took / 1000)
  const line = `${label}: ${progressCount(count, total)}, ${plain.format(Math.round(rate))} a second`
  if (total === undefined) return line
  return `${line}, ${duration((1000 * (total - count)) / Math.max(rate, 0.001))} left`
}

const progressCount = (count: number, total: number | undefined) =>
  total === undefined ? plain.format(count) : `${plain.format(count)} of ${plain.format(total)}`

export function duration(ms: number): string {
  if (ms < 120_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`
}
