import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { startVendingWorld, type VendingWorld } from '../functions/vending-world.ts'
import type { Finish, RaceOrder } from './racer.ts'
import { type Spread, spread } from './statistics.ts'
import { seamLatency } from './world.ts'

/** First requests for one user, all at once, over some processes. */
export interface Races {
  requests: number
  processes: number
  seamCalls: Spread
  /** Reads of a loser beyond the first one of its user. */
  extraReads: Spread
  /** Milliseconds from the winner's answer to the last loser's. */
  behindWinner: Spread
  /** Milliseconds from the first request to the last answer. */
  lastAnswer: Spread
  refused: number
}

export async function benchRaces(size: {
  rounds: number
  requests: number
  processes: number
}): Promise<Races> {
  const world = await startVendingWorld()
  world.seam.faults.plan({
    faults: [{ kind: 'delay', delay_ms: seamLatency, path: '/client_sessions/get_or_create' }],
  })
  try {
    const rounds: Awaited<ReturnType<typeof race>>[] = []
    for (let round = 0; round < size.rounds; round++) rounds.push(await race(world, `race-${round}`, size))
    const each = (of: (round: (typeof rounds)[number]) => number) => spread(rounds.map(of))
    return {
      requests: size.requests,
      processes: size.processes,
      seamCalls: each(({ seamCalls }) => seamCalls),
      extraReads: each(({ extraReads }) => extraReads),
      behindWinner: each(({ behindWinner }) => behindWinner),
      lastAnswer: each(({ lastAnswer }) => lastAnswer),
      refused: rounds.reduce((sum, { refused }) => sum + refused, 0),
    }
  } finally {
    await world.close()
  }
}

async function race(world: VendingWorld, sub: string, size: { requests: number; processes: number }) {
  const each = size.requests / size.processes
  await world.record(sub, [])
  const token = await world.token(sub)
  const processes = await Promise.all(
    Array.from({ length: size.processes }, async (_, i) => {
      const child = spawn(process.execPath, [`${import.meta.dirname}/racer.ts`], {
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      const lines = createInterface({ input: child.stdout })
      const warm = `${sub}-warm-${i}`
      await world.record(warm, [])
      const order: RaceOrder = {
        addresses: world.addresses,
        // As many connections as the race will use.
        warmUpTokens: Array(each).fill(await world.token(warm)),
        token,
        requests: each,
      }
      child.stdin.write(`${JSON.stringify(order)}\n`)
      await once(lines, 'line')
      return { child, lines }
    }),
  )
  const reads = () => world.dynamoDb.counts.GetItem?.received ?? 0
  const calls = () => world.seam.counts['/client_sessions/get_or_create']?.received ?? 0
  const before = { reads: reads(), calls: calls() }
  const finishes = (
    await Promise.all(
      processes.map(async ({ child, lines }) => {
        const finished = once(lines, 'line')
        child.stdin.write('go\n')
        const [line] = (await finished) as [string]
        return JSON.parse(line) as Finish[]
      }),
    )
  ).flat()
  const winner = finishes.find(({ status }) => status === 201)
  const lastAnswer = Math.max(...finishes.map(({ answeredAt }) => answeredAt))
  return {
    seamCalls: calls() - before.calls,
    extraReads: (reads() - before.reads - size.requests) / (size.requests - 1),
    behindWinner: lastAnswer - (winner?.answeredAt ?? Number.NaN),
    lastAnswer: lastAnswer - Math.min(...finishes.map(({ startedAt }) => startedAt)),
    refused: finishes.filter(({ status }) => status >= 300).length,
  }
}
