import { readFileSync } from 'node:fs'
import type { Scenario } from './scenario.ts'

/** A history, as small as could be, that breaks an invariant when its mistake is planted. */
export interface Pinned {
  mistake: string
  scenario: Scenario
}

/** One a line in pinned.ndjson; some of them broke the real code, until it was changed. */
export function pinned(): Pinned[] {
  const lines = readFileSync(new URL('pinned.ndjson', import.meta.url), 'utf8')
    .trim()
    .split('\n')
  return lines.map((line) => JSON.parse(line) as Pinned)
}
