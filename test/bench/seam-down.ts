import type { Fault } from '../../infra/local/seam/faults.ts'
import type { Contender } from './contenders.ts'
import { serve } from './served.ts'
import { type Spread, spread } from './statistics.ts'
import type { BenchWorld } from './world.ts'

/**
 * Seam down, in one process that has one request at a time, as Lambda's do: who needs Seam is refused, who has a client
 * session is served between two of them.
 */
export interface SeamDown {
  /** How Seam fails. */
  kind: 'silent' | '503'
  seconds: number
  /** Milliseconds of the process per reuse of a client session, meanwhile. */
  reuse: Spread
  /** Of those who are refused without a call. */
  refused: Spread
  /** `refused` over `reuse`, of neighbours. */
  ratio: Spread
  /** Mean of all who are refused once the breaker is open, whoever waited as the probe with them: milliseconds. */
  mean: number
  /** `mean` over the mean of the reuses meanwhile. */
  meanRatio: number
  refusals: number
  /** Calls to Seam until the first refusal without one. */
  opening: number
  /** From then on. */
  callsPerMinute: number
}

const faults: Record<SeamDown['kind'], Fault> = {
  silent: { kind: 'silence', path: '/client_sessions/get_or_create' },
  '503': { kind: 'status', status: 503, path: '/client_sessions/get_or_create' },
}

export async function benchSeamDown(
  world: BenchWorld,
  ours: Contender,
  size: { seconds: number },
): Promise<SeamDown[]> {
  const all: SeamDown[] = []
  for (const kind of ['silent', '503'] as const) all.push(await down(world, ours, kind, size.seconds))
  return all
}

async function down(
  world: BenchWorld,
  ours: Contender,
  kind: SeamDown['kind'],
  seconds: number,
): Promise<SeamDown> {
  const it = await serve(ours, world.environment())
  const token = await world.token('there')
  // A session, and warm code.
  for (let i = 0; i < 1000; i++) await it.ask(token)
  const newcomers = await Promise.all(Array.from({ length: 200 }, (_, i) => world.token(`${kind}-${i}`)))
  world.failing(faults[kind])
  const callsBefore = callsAtSeam(world)
  let opened: { at: number; calls: number } | undefined
  const refusals: { ms: number; called: boolean; reuse: number; open: boolean }[] = []
  const until = performance.now() + seconds * 1000
  try {
    for (let i = 0; performance.now() < until; i++) {
      const before = callsAtSeam(world)
      const { status, ms, body } = await it.send(newcomers[i % newcomers.length] ?? '')
      if (status !== 503 && status !== 504) throw new Error(`not refused: ${status} ${body}`)
      const called = callsAtSeam(world) > before
      if (!called) opened ??= { at: performance.now(), calls: before }
      refusals.push({ ms, called, reuse: await it.ask(token), open: opened !== undefined })
    }
    if (opened === undefined) throw new Error('everybody was let through to Seam')
  } finally {
    world.failing()
    await it.end()
  }
  const calls = callsAtSeam(world)
  const minutes = (until - opened.at) / 60_000
  const open = refusals.filter(({ open }) => open)
  const mean = meanOf(open.map(({ ms }) => ms))
  const without = refusals.filter(({ called }) => !called)
  return {
    kind,
    seconds,
    reuse: spread(refusals.map(({ reuse }) => reuse)),
    refused: spread(without.map(({ ms }) => ms)),
    ratio: spread(without.map(({ ms, reuse }) => ms / reuse)),
    mean,
    meanRatio: mean / meanOf(open.map(({ reuse }) => reuse)),
    refusals: refusals.length,
    opening: opened.calls - callsBefore,
    callsPerMinute: (calls - opened.calls) / minutes,
  }
}

const meanOf = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

const callsAtSeam = ({ seam }: BenchWorld) =>
  Object.values(seam.counts).reduce((sum, { received }) => sum + received, 0)
