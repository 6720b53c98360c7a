import { Problem } from '../../../functions/http/problem.ts'
import { SeamFailure } from '../../../functions/seam/failure.ts'
import type { Act, Surroundings } from './edges.ts'
import { Refused } from './seam.ts'

/** How one act calls the outside worlds: each call has its fate, and takes its time. */

export interface How<T> {
  /** After this many ms, its caller gives up. */
  retryDelay: number
  /** `heldFor`: ms for which its process was frozen before it could send it. */
  happens: (heldFor: number) => T
  /** A process that freezes may have made it and not sent it. */
  writes?: boolean
  failure: (late: boolean) => Error
  /** What the caller is told when the outside world refuses. */
  refusal?: (status: number) => Error
  /** Happens in its place where the answer is to be wrong. */
  instead?: () => T
  /** The `which`-th wrong answer. */
  distorted?: (value: T, which: number) => T
}

export function callingFor({ clockwork, watch }: Surroundings, act: Act) {
  const { process } = act

  function clock(): number {
    if (++act.spins > 2000) {
      watch.fail('ends', `${act.name} goes round in circles`)
      throw new Error('round in circles')
    }
    return clockwork.now() + process.ahead
  }

  /** Hands an answer to the act, unless its process is dead by then; a frozen one gets it when it thaws. */
  function deliver(time: number, answer: () => void): void {
    clockwork.at(time, function delivered() {
      if (!process.alive) return
      if (clockwork.now() < process.frozenUntil) return clockwork.at(process.frozenUntil, delivered)
      act.spins = 0
      answer()
    })
  }

  /** Dead by the time it would thaw, a process never sends what it held. */
  function send(time: number, happen: (heldFor: number) => void): void {
    clockwork.at(time, function sent() {
      const heldFor = clockwork.now() - time
      if (process.holdsWrites && clockwork.now() < process.frozenUntil)
        return clockwork.at(process.frozenUntil, sent)
      if (heldFor === 0 || process.alive) happen(heldFor)
    })
  }

  function call<T>(
    name: string,
    { retryDelay, happens, writes, instead, failure, refusal, distorted }: How<T>,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const [go, back, trouble, more = 0] = act.fate(name)
      const sent = clockwork.now()
      const givenUp = sent + retryDelay
      const answered = sent + go + back
      let value: T
      let error: unknown
      let arrived = false
      const happen = (heldFor = 0) => {
        arrived = true
        try {
          value = trouble === 'wrong' && instead !== undefined ? instead() : happens(heldFor)
          if (trouble === 'own') value = happens(heldFor)
          if (trouble === 'wrong' && distorted !== undefined) value = distorted(value, more)
        } catch (caught) {
          error = caught
        }
      }
      const refuse = () => reject(failure(answered >= givenUp))
      if (retryDelay <= 0) return deliver(sent, refuse)
      if (trouble === 'failed') return deliver(Math.min(answered, givenUp), refuse)
      if (trouble === 'late') {
        deliver(Math.min(answered, givenUp), refuse)
        return clockwork.at(Math.min(answered, givenUp) + more, () => happen())
      }
      // What was given up before it arrives was sent long ago.
      if (writes && go < retryDelay) send(sent + go, happen)
      else clockwork.at(sent + go, () => happen())
      if (trouble === 'lost' || answered > givenUp) return deliver(Math.min(answered, givenUp), refuse)
      const answer = () => {
        if (error === undefined) resolve(value)
        else reject(error instanceof Refused && refusal ? refusal(error.status) : error)
      }
      // Frozen once more meanwhile, it sends first what it held.
      deliver(answered, () => (arrived ? answer() : deliver(clockwork.now(), answer)))
    })
  }

  return { clock, deliver, call }
}

export function tableFailure(): Problem {
  return new Problem('upstream_unavailable', { dependency: 'dynamodb', reason: 'model' })
}

export function seamFailure(call: string, late: boolean): SeamFailure {
  return new SeamFailure(late ? 'upstream_timeout' : 'upstream_unavailable', call, { reason: 'model' })
}

export function refusal(call: string, status: number): SeamFailure {
  return new SeamFailure('upstream_rejected', call, { status, reason: 'model' })
}
