import type { Spread } from './statistics.ts'

/** Numbers and tables as Markdown. */

export function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, column) => (column === 0 ? '---' : '---:'))), ...rows.map(line)].join(
    '\n',
  )
}

export function shown(it: Spread | undefined): string {
  return it === undefined ? '' : `${digits(it.median)} (${digits(it.from)}–${digits(it.to)})`
}

/** Three digits say all that such a measurement knows. */
export function digits(value: number): string {
  return value >= 100 ? thousands(Math.round(value)) : String(Number(value.toPrecision(3)))
}

export const thousands = (value: number) => value.toLocaleString('en')
