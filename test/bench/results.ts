import type { AtSize } from './at-size.ts'
import type { ByPart } from './by-part.ts'
import type { ColdStart } from './cold-start.ts'
import type { ContenderName } from './contenders.ts'
import type { HotPath } from './hot-path.ts'
import type { Races } from './races.ts'
import type { Reads } from './reads.ts'

export type Part = 'hotPath' | 'coldStart' | 'byPart' | 'reads' | 'races' | 'atSize'

/** What one run of the benchmark came to, as results.json keeps it. */
export interface Results {
  /** Where and on what: numbers of two machines are not to be compared, ratios are. */
  machine: { at: string; node: string; cpu: string; cpus: number; memory: number }
  /** By part, the machine's load when it began. */
  loads: Partial<Record<Part, number>>
  contenders: { name: ContenderName; title: string; bytes: number }[]
  hotPath: HotPath
  coldStart: ColdStart
  races: Races[]
  atSize: AtSize
  byPart: ByPart
  reads: Reads
}
