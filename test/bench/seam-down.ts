import type { Fault } from '../../infra/local/seam/faults.ts'
import type { Contender } from './contenders.ts'
import { serve } from './served.ts'
import { mean, spread } from './statistics.ts'
import { type BenchWorld, sessionPath as path } from './world.ts'

/** How Seam fails. */
const faults = {
  silent: { kind: 'silence', path },
  '503': { kind: 'status', status: 503, path },
} satisfies Record<string, Fault>

export const outages = Object.keys(faults) as (keyof typeof faults)[]

/**
 * Seam down, in one process that has one request at a time, as Lambda's do: who needs Seam is refused, who has a client
 * session is served between two of them.
 */
export async function benchSeamDown(
  world: BenchWorld,
  ours: Contender,
  kind: keyof typeof faults,
  seconds: number,
) {
  const it = await serve(ours, world.environment)
  const token = await world.token('there')
  // A session, and warm code.
  for (let i = 0; i < 1000; i++) await it.ask(token)
  const newcomers = await Promise.all(Array.from({ length: 200 }, (_, i) => world.token(`${kind}-${i}`)))
  world.failing(faults[kind])
  const until = performance.now() + seconds * 1000
  const refusals: { at: number; called: number; ms: number; reuse: number }[] = []
  try {
    for (let i = 0; performance.now() < until; i++) {
      const before = world.callsAtSeam()
      const at = performance.now()
      const { status, ms, body } = await it.send(newcomers[i % newcomers.length] ?? '')
      if (status !== 503 && status !== 504) throw new Error(`not refused: ${status} ${body}`)
      const called = world.callsAtSeam() - before
      refusals.push({ at, called, ms, reuse: (await it.ask(token)).ms })
    }
  } finally {
    world.failing()
    await it.end()
  }
  const withoutCall = refusals.filter(({ called }) => called === 0)
  const [first] = withoutCall
  if (first === undefined) throw new Error('everybody was let through to Seam')
  // From then on the breaker is open.
  const open = refusals.slice(refusals.indexOf(first))
  const calls = open.reduce((total, { called }) => total + called, 0)
  return {
    kind,
    seconds,
    /** Of those who are refused without a call, over the reuse after each. */
    ratio: spread(withoutCall.map(({ ms, reuse }) => ms / reuse)),
    /** The mean of all who are refused, whoever waited as the probe with them, over the mean of the reuses meanwhile. */
    meanRatio: mean(open.map(({ ms }) => ms)) / mean(open.map(({ reuse }) => reuse)),
    callsPerMinute: calls / ((until - first.at) / 60_000),
  }
}
