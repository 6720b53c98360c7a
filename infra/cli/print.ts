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

/** How far a long command is: one line that counts up on a terminal, a line a thousand elsewhere. */
export class Progress {
  readonly #stream: Writable & { isTTY?: boolean }
  readonly #now: () => number
  readonly #label: string
  readonly #total: number | undefined
  readonly #startedAt: number
  #told = 0

  constructor(
    stream: Writable & { isTTY?: boolean },
    now: () => number,
    label: string,
    total: number | undefined,
  ) {
    this.#stream = stream
    this.#now = now
    this.#label = label
    this.#total = total
    this.#startedAt = now()
  }

  tell(count: number): void {
    const line = progressLine(this.#label, count, this.#total, this.#now() - this.#startedAt)
    if (this.#stream.isTTY) this.#stream.write(`\r\u001b[K${line}`)
    else if (Math.floor(count / 1000) > Math.floor(this.#told / 1000)) this.#stream.write(`${line}\n`)
    this.#told = count
  }

  /** Clears the line. */
  end(): void {
    if (this.#stream.isTTY && this.#told > 0) this.#stream.write('\r\u001b[K')
  }

  /** Such as "import: 300 of 1,200"; undefined before anything is done. */
  soFar(): string | undefined {
    return this.#told === 0 ? undefined : `${this.#label}: ${progressCount(this.#told, this.#total)}`
  }
}

/** Such as `import: 300 of 1,200, 120 a second, 8 s left`. PURE. `took`: milliseconds. */
export function progressLine(label: string, count: number, total: number | undefined, took: number): string {
  const rate = count / Math.max(0.001, took / 1000)
  const line = `${label}: ${progressCount(count, total)}, ${plain.format(Math.round(rate))} a second`
  return total === undefined
    ? line
    : `${line}, ${duration((1000 * (total - count)) / Math.max(rate, 0.001))} left`
}

const progressCount = (count: number, total: number | undefined) =>
  total === undefined ? plain.format(count) : `${plain.format(count)} of ${plain.format(total)}`

export function duration(ms: number): string {
  if (ms < 120_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`
}
