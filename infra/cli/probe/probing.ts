import type { Readings } from '../../local/seam/state.ts'
import { questions } from './questions.ts'
import { type Sandbox, Unanswered } from './sandbox.ts'

/** The contract suite: what Seam’s documentation leaves open, asked of a workspace one after the other. */

export interface Answered {
  name: string
  asks: string
  /** Absent: `unanswered` says why. */
  answer?: string
  unanswered?: string
  /** What the local Seam answers, where this workspace answers otherwise. */
  differs?: string
}

export async function* probe(sandbox: Sandbox): AsyncGenerator<Answered> {
  for (const [name, { asks, local, ask }] of Object.entries(questions))
    try {
      const answer = await ask(sandbox)
      yield { name, asks, answer, ...(answer !== local && { differs: local }) }
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error
      yield { name, asks, unanswered: error.message }
    }
}

/** Which readings of the local Seam these answers mean; absent: none of its values, or several. */
export function readingsOf(answers: Answered[]): Partial<Readings> {
  const found: Record<string, unknown[]> = {}
  for (const [name, { reading = {} }] of Object.entries(questions))
    for (const [one, meanings] of Object.entries(reading))
      found[one] = [...(found[one] ?? []), meant(meanings, answers.find((it) => it.name === name)?.answer)]
  const agreed = Object.entries(found).filter(([, [first, ...rest]]) => rest.every((it) => it === first))
  return Object.fromEntries(agreed.flatMap(([one, [value]]) => (value === undefined ? [] : [[one, value]])))
}

function meant(meanings: Record<string, unknown>, answer = ''): unknown {
  return Object.entries(meanings).find(([text]) => answer === text || answer.startsWith(`${text} `))?.[1]
}
