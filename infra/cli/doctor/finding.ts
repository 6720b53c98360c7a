import type { Paint } from '../print.ts'

/** What one check came to: a line, with what to do about it. PURE. */
export interface Finding {
  /** `look`: works, and may be a mistake. `unknown`: could not be checked from here. */
  state: 'good' | 'look' | 'bad' | 'unknown'
  what: string
  said: string
  todo?: string
}

export const good = (what: string, said: string): Finding => ({ state: 'good', what, said })
export const look = (what: string, said: string, todo: string): Finding => ({
  state: 'look',
  what,
  said,
  todo,
})
export const bad = (what: string, said: string, todo: string): Finding => ({ state: 'bad', what, said, todo })
export const unknown = (what: string, said: string, todo?: string): Finding => ({
  state: 'unknown',
  what,
  said,
  ...(todo !== undefined && { todo }),
})

const marks = {
  good: ['ok', 'green'],
  look: ['look', 'yellow'],
  bad: ['RED', 'red'],
  unknown: ['?', 'dim'],
} as const

export function findingLine({ state, what, said, todo }: Finding, paint: Paint = (_, text) => text): string {
  const [mark, style] = marks[state]
  return `${paint(style, mark.padEnd(5))} ${what.padEnd(26)} ${said}${todo === undefined ? '' : ` → ${todo}`}`
}

export function summary(findings: Finding[]): string {
  const count = (state: Finding['state']) => findings.filter((finding) => finding.state === state).length
  const parts = [
    `${count('good')} good`,
    count('look') > 0 && `${count('look')} to look at`,
    count('unknown') > 0 && `${count('unknown')} not checked`,
    `${count('bad')} red`,
  ]
  return `${parts.filter(Boolean).join(', ')}.`
}
