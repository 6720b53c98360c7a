import type { Times } from '../times.ts'

/**
 * How those wait who find another at work: not by asking again and again, but until the other should be done. Seam's
 * usual time is learned from the records that were waited for; a process begins with a guess.
 */
export interface RetryDelay {
  /** One wait ended with the winner's commit, which came `took` ms after its claim, both by the winner's clock. */
  learn(took: number): void
  /**
   * Milliseconds until the next look. `since` the winner's claim, by two clocks that may differ; `waited` so far, by
   * one clock, undefined before the first wait; `chance` (0 to 1) spreads those who wait.
   */
  untilNextLook(how: { since: number; waited: number | undefined; chance: number }): number
}

export function retryDelay({ seam }: Times): RetryDelay {
  /** From a claim to its commit, ms. */
  let usual = seam / 25

  return {
    learn(took) {
      usual += (Math.min(Math.max(took, seam / 150), seam) - usual) / 4
    },
    untilNextLook({ since, waited, chance }) {
      const soonest = usual / 4
      // Then a third more each time: a call that takes longer than usual costs a few looks, not many.
      const wait = waited === undefined ? usual - Math.max(since, 0) : waited / 3
      return Math.max(soonest, wait) + (chance * usual) / 8
    },
  }
}
