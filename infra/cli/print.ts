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

/** Two columns, a name and its value; a value may have several lines, and rows without one are left out. */
export function sheet(rows: [string, string | undefined][]): string {
  const indented = (text: string) => text.replaceAll('\n', `\n${' '.repeat(18)}`)
  return rows
    .flatMap(([name, value]) => (value === undefined ? [] : `${name.padEnd(18)}${indented(value)}`))
    .join('\n')
}

const plain = new Intl.NumberFormat('en-US')

export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** On standard error: how far a long command is. */
export interface Progress {
  tell(count: number): void
  /** Clears the line. */
  end(): void
  /** Such as "import: 300 of 1,200"; undefined before anything is done. */
  soFar(): string | undefined
}

/** One line that counts up on a terminal, a line a thousand elsewhere. `total` is undefined where nobody knows it. */
export function progressOn(
  stream: Writable & { isTTY?: boolean },
  now: () => number,
  label: string,
  total?: number,
): Progress {
  const startedAt = now()
  let told = 0
  return {
    tell(count) {
      const line = progressLine(label, count, total, now() - startedAt)
      if (stream.isTTY) stream.write(`\r\u001b[K${line}`)
      else if (Math.floor(count / 1000) > Math.floor(told / 1000)) stream.write(`${line}\n`)
      told = count
    },
    end: () => void (stream.isTTY && told > 0 && stream.write('\r\u001b[K')),
    soFar: () => (told === 0 ? undefined : `${label}: ${progressCount(told, total)}`),
  }
}

/** Such as `import: 300 of 1,200, 120 a second, 8 s left`. PURE. `took`: milliseconds. */
export function progressLine(label: string, count: number, total: number | undefined, took: number): string {
  const rate = count / Math.max(0.001, took / 1000)
  const left =
    total === undefined ? [] : [`${duration((1000 * (total - count)) / Math.max(rate, 0.001))} left`]
  return [
    `${label}: ${progressCount(count, total)}`,
    `${plain.format(Math.round(rate))} a second`,
    ...left,
  ].join(', ')
}

const progressCount = (count: number, total: number | undefined) =>
  total === undefined ? plain.format(count) : `${plain.format(count)} of ${plain.format(total)}`

export function duration(ms: number): string {
  if (ms < 120_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`
}
