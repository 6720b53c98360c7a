import { fence } from './planted/fence.ts'
import { found } from './planted/found.ts'
import { progress as slow } from './planted/progress.ts'
import { records } from './planted/records.ts'
import type { Progress } from './progress.ts'
import type { Invariant } from './watch.ts'

/**
 * Mistakes that somebody may make in good faith, as patches to the real source. Each must compile and must break what
 * it names: a test that cannot see them does not protect from them.
 */
export interface Mistake {
  name: string
  /** By which invariant, or which test of progress, it is found out. */
  breaks: Invariant | Progress
  /** Shown by about one history in a million: only its pinned one is played. */
  rare?: true
  patches: Patch[]
}

/** `file` of the copy, `from` found in it exactly once. */
export type Patch = [file: string, from: string, to: string]

export const mistakes: Mistake[] = [...fence, ...records, ...found, ...slow]
