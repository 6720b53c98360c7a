import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { ContenderName } from './contenders.ts'
import type { Part, Parts } from './parts.ts'

/** One or more runs, as results.json keeps them; a part that is absent has not been measured. */
export interface Results extends Partial<Parts> {
  /** Where and on what: numbers of two machines are not to be compared, ratios are. */
  machine: { at: string; node: string; cpu: string; cpus: number; memory: number }
  /** By part, the machine's load when it began. */
  loads: Partial<Record<Part, number>>
  /** By contender, what is loaded at the start. */
  bytes: Partial<Record<ContenderName, number>>
  /** CPU seconds of `npm cit`, user and system, and of the first edition's in the same session; from ci.json, by hand. */
  ci?: { seconds: number; firstEdition: number; at: string }
}

const at = (name: string) => `${import.meta.dirname}/${name}`

export function readResults(): Results {
  const read = (name: string) => JSON.parse(readFileSync(at(name), 'utf8'))
  return { ...read('results.json'), ...(existsSync(at('ci.json')) && { ci: read('ci.json') }) }
}

export function writeResults({ ci: _, ...results }: Results): void {
  const rounded = (_: string, value: unknown) =>
    typeof value === 'number' ? Number(value.toPrecision(5)) : value
  writeFileSync(at('results.json'), `${JSON.stringify(results, rounded, 2)}\n`)
}
