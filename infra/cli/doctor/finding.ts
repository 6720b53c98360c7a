import { awsError } from '../errors.ts'
import type { Paint } from '../print.ts'

/** What one check came to: a line, with what to do about it. PURE. */
export interface Finding {
  /** `look`: works, and may be a mistake. `unknown`: could not be checked from here. */
  state: 'good' | 'look' | 'bad' | 'unknown'
  what: string
  said: string
  todo?: string
}

const finding = (state: Finding['state'], what: string, said: string, todo?: string): Finding => ({
  state,
  what,
  said,
  ...(todo !== undefined && { todo }),
})
export const good = (what: string, said: string) => finding('good', what, said)
export const look = (what: string, said: string, todo: string) => finding('look', what, said, todo)
export const bad = (what: string, said: string, todo: string) => finding('bad', what, said, todo)
export const unknown = (what: string, said: string, todo?: string) => finding('unknown', what, said, todo)
/** Good, or else red with what to do. */
export const check = (what: string, isGood: boolean, said: string, otherwise: string, todo: string) =>
  isGood ? good(what, said) : bad(what, otherwise, todo)

/** What AWS does not let be seen is unknown; the missing permission is what to do. */
export async function asked<Found extends Finding | Finding[]>(
  what: string,
  permission: string,
  look: () => Promise<Found>,
): Promise<Found | Finding> {
  try {
    return await look()
  } catch (error) {
    return unknown(what, 'not checked', awsError(error, 'look', permission).message)
  }
}

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
