import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { ownerOf } from '../../functions/caller/owner.ts'
import { newUser } from '../../functions/record/user.ts'
import { vendingTable } from '../../functions/table/table.ts'
import { localDynamoDbClient } from '../../infra/local/dynamodb.ts'
import type { Contender } from './contenders.ts'
import { ratios, type Spread, spread } from './statistics.ts'
import type { BenchWorld } from './world.ts'

/** First requests for one user, all at once, over some processes. */
export interface Races {
  requests: number
  processes: number
  seamCalls: Spread
  /** Reads of a loser beyond the first one of its user. */
  extraReads: Spread
  /** Milliseconds from the winner's answer to the last loser's. */
  behindWinner: Spread
  /** Milliseconds from the first of as many requests to the last answer when the client session is there. */
  lastReuse: Spread
  /** `behindWinner` over `lastReuse`. */
  overReuses: Spread
  refused: number
}

interface Finish {
  status: number
  /** Epoch milliseconds. */
  startedAt: number
  answeredAt: number
}

/** They have vended before, as nearly all processes have: their code is compiled, and they know Seam's usual time. */
const warmUps = 4

export async function benchRaces(
  world: BenchWorld,
  { file }: Contender,
  size: { rounds: number; requests: number; processes: number },
): Promise<Races> {
  const [issuer] = world.configuration.issuers
  // Plain HTTP to the table: TLS for all of them ends in this one process, and would be what is measured.
  const environment = world.environment()
  const where = { ...environment, AWS_ENDPOINT_URL_DYNAMODB: world.counted.endpoint }
  const client = localDynamoDbClient(world.counted.endpoint)
  const table = vendingTable({ client, tableName: environment.TABLE_NAME ?? '' })
  const processes = await Promise.all(Array.from({ length: size.processes }, () => startRacer(file, where)))
  const requests = size.requests / size.processes

  async function race(sub: string) {
    const iss = issuer?.issuer ?? ''
    const subject = `${issuer?.name}|${sub}`
    const user = {
      ...newUser({ owner: ownerOf(subject), subject, iss, sub }, Date.now()),
      revision: randomUUID(),
    }
    await table.compareAndSet(user.owner, undefined, user)
    const token = await world.token(sub)
    const before = counted(world)
    const finishes = await allAtOnce(processes, { token, requests })
    const after = counted(world)
    const winner = finishes.find(({ status }) => status === 201)
    return {
      seamCalls: after.seamCalls - before.seamCalls,
      extraReads: (after.reads - before.reads - size.requests) / (size.requests - 1),
      behindWinner: lastOf(finishes) - (winner?.answeredAt ?? Number.NaN),
      lastReuse: await allAtOnce(processes, { token, requests }).then(
        (reuses) => lastOf(reuses) - firstOf(reuses),
      ),
      refused: finishes.filter(({ status }) => status >= 300).length,
    }
  }

  try {
    const rounds: Awaited<ReturnType<typeof race>>[] = []
    for (let round = -warmUps; round < size.rounds; round++) {
      const raced = await race(`race-of-${size.requests}-${round}`)
      if (round >= 0) rounds.push(raced)
    }
    const each = (of: (round: (typeof rounds)[number]) => number) => spread(rounds.map(of))
    return {
      requests: size.requests,
      processes: size.processes,
      seamCalls: each(({ seamCalls }) => seamCalls),
      extraReads: each(({ extraReads }) => extraReads),
      behindWinner: each(({ behindWinner }) => behindWinner),
      lastReuse: each(({ lastReuse }) => lastReuse),
      overReuses: ratios(
        rounds.map(({ behindWinner }) => behindWinner),
        rounds.map(({ lastReuse }) => lastReuse),
      ),
      refused: rounds.reduce((sum, { refused }) => sum + refused, 0),
    }
  } finally {
    for (const process of processes) process.disconnect()
    client.destroy()
  }
}

async function startRacer(file: string, environment: Record<string, string>): Promise<ChildProcess> {
  const racer = fork(`${import.meta.dirname}/racer.mjs`, [file], {
    env: environment,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  await once(racer, 'message')
  return racer
}

async function allAtOnce(processes: ChildProcess[], order: object): Promise<Finish[]> {
  const finished = processes.map(async (process) => {
    const [finishes] = (await once(process, 'message')) as [Finish[]]
    return finishes
  })
  for (const process of processes) process.send(order)
  return (await Promise.all(finished)).flat()
}

const firstOf = (finishes: Finish[]) => Math.min(...finishes.map(({ startedAt }) => startedAt))
const lastOf = (finishes: Finish[]) => Math.max(...finishes.map(({ answeredAt }) => answeredAt))

const counted = ({ counted, seam }: BenchWorld) => ({
  reads: counted.counts.GetItem?.received ?? 0,
  seamCalls: seam.counts['/client_sessions/get_or_create']?.received ?? 0,
})
