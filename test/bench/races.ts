import { randomUUID } from 'node:crypto'
import { newUser } from '../../functions/record/user.ts'
import type { Contender } from './contenders.ts'
import { type Finish, type Race, type Served, serve } from './served.ts'
import { ratios, spread } from './statistics.ts'
import type { BenchWorld } from './world.ts'

/** They have vended before, as nearly all processes have: their code is compiled, and they know Seam's usual time. */
const warmUps = 4

/** First requests for one user, all at once, over some processes. */
export async function benchRaces(
  world: BenchWorld,
  contender: Contender,
  size: { rounds: number; requests: number; processes: number },
) {
  const { requests, processes } = size
  // Plain HTTP to the table: TLS for all of them ends in this one process, and would be what is measured.
  const environment = { ...world.environment, AWS_ENDPOINT_URL_DYNAMODB: world.plainTable }
  const racers = await Promise.all(Array.from({ length: processes }, () => serve(contender, environment)))
  const behindWinner: number[] = []
  const lastReuse: number[] = []
  try {
    for (let round = -warmUps; round < size.rounds; round++) {
      const token = await recordedUser(world, `race-of-${requests}-${round}`)
      const race = { token, requests: requests / processes }
      const finishes = await allAtOnce(racers, race)
      const reuses = await allAtOnce(racers, race)
      if (round < 0) continue
      const winner = finishes.find(({ status }) => status === 201)
      behindWinner.push(lastOf(finishes) - (winner?.answeredAt ?? Number.NaN))
      lastReuse.push(lastOf(reuses) - Math.min(...reuses.map(({ startedAt }) => startedAt)))
    }
  } finally {
    for (const racer of racers) await racer.end()
  }
  return {
    requests,
    processes,
    /** Milliseconds from the winner's answer to the last loser's. */
    behindWinner: spread(behindWinner),
    /** Milliseconds from the first of as many requests to the last answer when the client session is there. */
    lastReuse: spread(lastReuse),
    overReuses: ratios(behindWinner, lastReuse),
  }
}

/** The token of somebody with a record and no client session. */
async function recordedUser(world: BenchWorld, sub: string): Promise<string> {
  const user = newUser(world.subject(sub), Date.now())
  await world.table.compareAndSet(user.owner, undefined, { ...user, revision: randomUUID() })
  return world.token(sub)
}

async function allAtOnce(racers: Served[], race: Race): Promise<Finish[]> {
  const finishes = (await Promise.all(racers.map((racer) => racer.race(race)))).flat()
  const refused = finishes.find(({ status }) => status >= 300)
  if (refused) throw new Error(`a racer was answered ${refused.status}`)
  return finishes
}

const lastOf = (finishes: Finish[]) => Math.max(...finishes.map(({ answeredAt }) => answeredAt))
