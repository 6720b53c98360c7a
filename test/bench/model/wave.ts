import { times } from '../../../functions/times.ts'
import { sum } from '../statistics.ts'

/**
 * The wave after an outage: pages that are open, each with a client session, ask again by the rules of
 * functions/browser. `jitter` off is what they would do without chance: ask at the first moment, pause without spread.
 */
export interface Wave {
  /** Requests in the outage, all refused, per thousand pages; and the most in one second. */
  refused: number
  refusedSecond: number
  /** The most requests in one second, per thousand pages, after the outage. */
  peakSecond: number
  /** The same an hour later and after: the echo. */
  echoSecond: number
}

export interface WaveSettings {
  pages: number
  lifetimeSeconds: number
  outageFrom: number
  outageTo: number
  seconds: number
  jitter: boolean
}

const longestPause = 300 // Seconds, as in functions/browser/backoff.ts.

export function wave(settings: WaveSettings): Wave {
  const { pages, lifetimeSeconds, outageFrom, outageTo, seconds } = settings
  const random = randomFrom(1)
  const margin = Math.min(times.refreshMargin / 1000, lifetimeSeconds / 5)
  const refreshIn = lifetimeSeconds - margin
  const asked = new Array<number>(seconds).fill(0)
  for (let page = 0; page < pages; page++) openPage(asked, settings, refreshIn, margin, random)
  const most = (from: number, to: number) => Math.max(...asked.slice(from, to))
  const perThousand = 1000 / pages
  return {
    refused: sum(asked.slice(outageFrom, outageTo)) * perThousand,
    refusedSecond: most(outageFrom, outageTo) * perThousand,
    peakSecond: most(outageTo, outageTo + longestPause + 60) * perThousand,
    echoSecond: most(outageTo + refreshIn - 60, seconds) * perThousand,
  }
}

/**
 * One page, opened at some time before. A function of its own and a factor instead of a branch: in one long loop, V8
 * 13.6 (Node 24.21) now and then went on with the `jitter` of an earlier wave.
 */
function openPage(
  asked: number[],
  { outageFrom, outageTo, seconds, jitter }: WaveSettings,
  refreshIn: number,
  margin: number,
  random: () => number,
): void {
  const spread = jitter ? 1 : 0
  let at = random() * refreshIn
  let failures = 0
  while (at < seconds) {
    const second = Math.floor(at)
    asked[second] = (asked[second] ?? 0) + 1
    if (at >= outageFrom && at < outageTo) {
      const pause = Math.min(2 ** failures++, longestPause)
      at += between(pause - (spread * pause) / 2, pause, random())
    } else {
      failures = 0
      at += between(refreshIn, refreshIn + (spread * margin) / 2, random())
    }
  }
}

function between(from: number, to: number, chance: number): number {
  return from + chance * (to - from)
}

/** The same chances each time (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
