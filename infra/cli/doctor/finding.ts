import { awsError } from '../errors.ts'
import type { Paint } from '../print.ts'

/** What one check came to: a line, with what to do about it. PURE. */
export interface Finding {
  /** `look`: works, and may be a mistake. `unknown`: could not be checked from here. */
  state: keyof typeof marks
  what: string
  said: string
  todo?: string | undefined
}

const marks = {
  good: ['ok', 'green', 'good'],
  look: ['look', 'yellow', 'to look at'],
  unknown: ['?', 'dim', 'not checked'],
  bad: ['RED', 'red', 'red'],
} as const

const finding = (state: Finding['state']) => (what: string, said: string, todo?: string) => ({
  state,
  what,
  said,
  todo,
})
export const good: (what: string, said: string) => Finding = finding('good')
export const look: (what: string, said: string, todo: string) => Finding = finding('look')
export const bad: (what: string, said: string, todo: string) => Finding = finding('bad')
export const unknown: (what: string, said: string, todo?: string) => Finding = finding('unknown')
/** Good, or else red with what to do. */
export const check = (what: string, isGood: boolean, said: string, otherwise: string, todo: string) =>
  isGood ? good(what, said) : bad(what, otherwise, todo)

/** What AWS does not let be seen is unknown; the missing permission is what to do. */
export async function asked<Found>(
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

export function findingLine({ state, what, said, todo }: Finding, paint: Paint = (_, text) => text): string {
  const [mark, style] = marks[state]
  return `${paint(style, mark.padEnd(5))} ${what.padEnd(26)} ${said}${todo === undefined ? '' : ` → ${todo}`}`
}

export function summary(findings: Finding[]): string {
  const counts = Object.entries(marks).map(
    ([state, [, , name]]) => `${findings.filter((finding) => finding.state === state).length} ${name}`,
  )
  return `${counts.join(', ')}.`
}
