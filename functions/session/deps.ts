import type { Deadline } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import type { UpdateDeps } from '../record/update.ts'
import { admit, type Breaker, type Breakers } from '../seam/breaker.ts'
import type { Seam } from '../seam/client.ts'
import type { WorkspaceKnower } from '../seam/workspace.ts'
import type { UserTable } from '../table/table.ts'
import type { Seal } from './seal.ts'
import type { Verdict } from './verdict.ts'

/** What acts on client sessions need: the clients, and the terms that the configuration leads to. */
export interface SessionDeps extends UpdateDeps {
  table: UserTable
  seam: Pick<
    Seam,
    'getOrCreate' | 'delete' | 'list' | 'knowsAccount' | 'listConnectedAccountIds' | 'knowsIdentity'
  >
  seal: Seal
  workspace: WorkspaceKnower
  sleep: (ms: number) => Promise<void>
  /** 0 to 1; spreads those who wait. */
  random: () => number
  breakers: Breakers
}

/** What happened, for the audit: filled in as the act goes. */
export type Trace = ReturnType<typeof newTrace>

export const newTrace = () => ({
  verdicts: [] as Verdict[],
  seam_calls: [] as string[],
  waits: 0,
  /** Law 2: what was wrong with an answer of Seam. */
  wrong_answers: [] as string[],
  /** Client sessions that were to be deleted and that Seam no longer knew. */
  already_gone: 0,
  /** Client sessions that showed under a retired key, and were deleted. */
  strays: 0,
})

/** One act: when it must have ended, and what is noted about it. */
export interface Act {
  deadline: Deadline
  trace: Trace
  /** When all its calls to end sessions at Seam must have ended, if that is sooner. */
  calls?: Deadline
}

export function busy(reason: string): Problem {
  return new Problem('busy', { reason, retryAfter: 1 })
}

/** Milliseconds: one read and write of a record. */
const oneWrite = 25

/** After the second refusal of a write: many who write to one record must not refuse each other on and on. */
export async function letOthersWrite(
  { sleep, random, terms: { times } }: Pick<SessionDeps, 'sleep' | 'random' | 'terms'>,
  refusals: number,
): Promise<void> {
  if (refusals > 1) await sleep(random() * Math.min(times.waiting, oneWrite * 2 ** refusals))
}

/**
 * Notes a call. None starts without the time to write down what came of it, nor past the `breaker` where one is given.
 */
export function startCall(
  { terms: { times }, clock }: Pick<SessionDeps, 'terms' | 'clock'>,
  act: Act,
  path: string,
  breaker?: Breaker,
): Deadline {
  const { deadline, calls = deadline } = act
  const tooLate = deadline.left() < times.seam + 2 * times.dynamodb || calls.left() === 0
  if (tooLate) throw busy('no_time_to_call')
  if (breaker !== undefined) admit(breaker, clock(), times)
  act.trace.seam_calls.push(path)
  return calls
}
