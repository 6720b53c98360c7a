import type { AtSize } from './at-size.ts'
import type { ColdStart } from './cold-start.ts'
import type { ContenderName } from './contenders.ts'
import type { Events } from './events.ts'
import type { HotPath } from './hot-path.ts'
import type { Importing } from './importing.ts'
import type { Races } from './races.ts'
import type { Reads } from './reads.ts'
import type { SeamDown } from './seam-down.ts'

/** What each part of the benchmark came to. */
export interface Parts {
  coldStart: ColdStart
  hotPath: HotPath
  races: Races[]
  seamDown: SeamDown[]
  events: Events
  importing: Importing
  reads: Reads
  atSize: AtSize
}

export type Part = keyof Parts

/** One or more runs, as results.json keeps them; a part that is absent has not been measured. */
export interface Results extends Partial<Parts> {
  /** Where and on what: numbers of two machines are not to be compared, ratios are. */
  machine: { at: string; node: string; cpu: string; cpus: number; memory: number }
  /** By part, the machine's load when it began. */
  loads: Partial<Record<Part, number>>
  contenders: { name: ContenderName; title: string; bytes: number }[]
  /** CPU seconds of `npm cit`, user and system, and of the first edition's in the same session; from ci.json, by hand. */
  ci?: { seconds: number; firstEdition: number; at: string }
}
