import type { Readings } from '../../../local/seam/readings.ts'
import type { Sandbox } from '../sandbox.ts'

/** Something that Seam's documentation leaves open: a clause of the contract between Seam and the local Seam. */
export interface Question {
  name: string
  asks: string
  /** What the local Seam answers with its plain readings; tests hold it to that. */
  local: string
  /** Which of the local Seam's readings an answer means, by how the answer begins. */
  reading?: { [Name in keyof Readings]?: Record<string, Readings[Name]> }
  /** The answer in a few words; throws `Unanswered` where there can be none. */
  ask(sandbox: Sandbox): Promise<string>
}
