import type { Sandbox } from '../sandbox.ts'

/** Something that Seam's documentation leaves open. */
export interface Question {
  name: string
  asks: string
  /** The answer in a few words; throws `Unanswered` where it cannot be had. */
  ask(sandbox: Sandbox): Promise<string>
}
