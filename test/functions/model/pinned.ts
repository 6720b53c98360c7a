import { readFileSync } from 'node:fs'
import type { Scenario } from './scenario.ts'

/**
 * Histories that once broke an invariant, as small as could be, with nothing left to be drawn: of the real code,
 * until it was changed, and of the copies with mistakes. One a line in pinned.ndjson, by name.
 */
export function pinned(): Map<string, Scenario> {
  const lines = readFileSync(new URL('pinned.ndjson', import.meta.url), 'utf8')
    .trim()
    .split('\n')
  return new Map(
    lines.map((line) => {
      const { name, scenario } = JSON.parse(line) as { name: string; scenario: Scenario }
      return [name, scenario]
    }),
  )
}
