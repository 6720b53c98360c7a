import type { Spread } from './statistics.ts'

/** Numbers and tables as Markdown. */

export function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'))
  return [head, rule, ...rows].map(line).join('\n')
}

export function shown(it: Spread | undefined): string {
  return it === undefined ? '' : `${digits(it.median)} (${digits(it.from)}–${digits(it.to)})`
}

/** Three digits say all that such a measurement knows. */
export function digits(value: number): string {
  return value >= 100 ? thousands(Math.round(value)) : String(Number(value.toPrecision(3)))
}

export const thousands = (value: number) => value.toLocaleString('en')

/** The text with what stands between the marks replaced; unchanged where there are no marks. */
export function between(text: string, mark: string, content: string): string {
  const [before, , after, more] = text.split(`<!-- ${mark} -->`)
  if (before === undefined || after === undefined || more !== undefined) return text
  return `${before}<!-- ${mark} -->\n\n${content}\n\n<!-- ${mark} -->${after}`
}
