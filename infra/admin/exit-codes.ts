import type { AdminRefusal } from '../../functions/admin-client.ts'
import { NoSuchStack, NotAccepted } from '../deployed/trouble.ts'
import { Trouble } from '../local/trouble.ts'

/** What a script learns without reading. */
export const exitCodes = {
  done: 0,
  unexpected: 1,
  usage: 2,
  notFound: 3,
  refused: 4,
  willBeRetried: 5,
  unavailable: 6,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

export const exitCodeHelp = `Exit codes:
  0  done, or there was nothing to do
  1  something unexpected
  2  the command was not understood; nothing was done
  3  there is no such user or account; nothing was done
  4  refused, or not accepted; see what is printed
  5  written down, but Seam could not be told: will be retried
  6  something is unavailable: run the command again`

export function exitCodeOf(refusal: AdminRefusal): ExitCode {
  const { code, action, reason } = refusal.problem
  if (reason === 'malformed') return exitCodes.usage
  if (code === 'not_found') return exitCodes.notFound
  if (code === 'internal') return exitCodes.unexpected
  return action === 'retry' ? exitCodes.unavailable : exitCodes.refused
}

export function exitCodeOfTrouble(trouble: Trouble): ExitCode {
  if (trouble instanceof Misuse || trouble instanceof NoSuchStack) return exitCodes.usage
  return trouble instanceof NotAccepted ? exitCodes.refused : exitCodes.unavailable
}

/** What was typed cannot be meant. */
export class Misuse extends Trouble {}
