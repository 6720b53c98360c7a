import { type Contender, type ContenderName, oursFor } from './contenders.ts'
import { type Served, serve } from './served.ts'
import { ratios, type Spread, spread } from './statistics.ts'
import type { BenchWorld } from './world.ts'

export interface HotPath {
  /** Milliseconds, one caller at a time. */
  p50: Record<ContenderName, Spread>
  /** Microseconds of the contender's CPU per request. */
  cpu: Record<ContenderName, Spread>
  /** Ours over theirs, round by round. */
  p50Ratio: Record<ContenderName, Spread>
  cpuRatio: Record<ContenderName, Spread>
  counted: Counted
}

/** What the requests of some users did to the table and to Seam; `twoLogins`: ours, from two logins of each in turn. */
export type Counted = Record<'ours' | 'twoLogins', Count>

interface Count {
  requests: number
  users: number
  reads: number
  writes: number
  seamCalls: number
}

export interface HotPathSize {
  rounds: number
  /** Requests per round; fewer for whoever waits for Seam each time. */
  requests: number
  slowRequests: number
  warmUp: number
  users: number
  counted: number
}

/** @param folder for a bundle of ours under another configuration */
export async function benchHotPath(
  world: BenchWorld,
  contenders: Contender[],
  size: HotPathSize,
  folder: string,
): Promise<HotPath> {
  const served = new Map<ContenderName, Served>()
  const token = await world.token('hot')
  for (const contender of contenders) {
    const it = await serve(contender, world.environment())
    served.set(contender.name, it)
    // A session first, so that what follows reuses it.
    await it.ask(token)
    await inParallel(10, size.warmUp, () => it.ask(token))
  }

  const rounds: { name: ContenderName; p50: number; cpu: number }[] = []
  for (let round = 0; round < size.rounds; round++)
    for (const [name, it] of rotated([...served], round)) {
      const requests = name === 'express' ? size.slowRequests : size.requests
      const before = await it.cpu()
      const times: number[] = []
      for (let i = 0; i < requests; i++) times.push(await it.ask(token))
      const cpu = ((await it.cpu()) - before) / requests
      rounds.push({ name, p50: spread(times).median, cpu })
    }
  for (const it of served.values()) await it.end()

  const of = (name: ContenderName, what: 'p50' | 'cpu') =>
    rounds.filter((round) => round.name === name).map((round) => round[what])
  const each = (what: (name: ContenderName) => Spread) =>
    Object.fromEntries(contenders.map(({ name }) => [name, what(name)])) as Record<ContenderName, Spread>
  return {
    p50: each((name) => spread(of(name, 'p50'))),
    cpu: each((name) => spread(of(name, 'cpu'))),
    p50Ratio: each((name) => ratios(of('ours', 'p50'), of(name, 'p50'))),
    cpuRatio: each((name) => ratios(of('ours', 'cpu'), of(name, 'cpu'))),
    counted: await countBoth(world, contenders, size, folder),
  }
}

async function countBoth(
  world: BenchWorld,
  contenders: Contender[],
  size: HotPathSize,
  folder: string,
): Promise<Counted> {
  const ours = contenders.find(({ name }) => name === 'ours') as Contender
  const users = Array.from({ length: size.users }, (_, i) => `counted-${i}`)
  const once = await Promise.all(users.map((sub) => world.token(sub)))
  const logins = ['phone', 'laptop'].flatMap((sid) => users.map((sub) => world.token(`two-${sub}`, { sid })))
  const perLogin = await oursFor(world.perLogin, folder)
  return {
    ours: { users: size.users, ...(await count(world, ours, once, size.counted)) },
    twoLogins: {
      users: size.users,
      ...(await count(world, perLogin, await Promise.all(logins), size.counted)),
    },
  }
}

/** Many requests with these tokens in turn, twenty at a time. */
async function count(
  world: BenchWorld,
  contender: Contender,
  tokens: string[],
  requests: number,
): Promise<Omit<Count, 'users'>> {
  const it = await serve(contender, world.environment({ counted: true }))
  // The reads of its start, and the record of each user, are not what a reuse costs.
  const seamBefore = callsAtSeam(world)
  const first = Math.min(tokens.length, requests)
  await inParallel(20, first, (i) => it.ask(tokens[i] ?? ''))
  const before = operations(world)
  await inParallel(20, requests - first, (i) => it.ask(tokens[i % tokens.length] ?? ''))
  const after = operations(world)
  await it.end()
  return {
    requests,
    reads: (after.reads - before.reads) / (requests - first),
    writes: (after.writes - before.writes) / (requests - first),
    seamCalls: callsAtSeam(world) - seamBefore,
  }
}

const callsAtSeam = ({ seam }: BenchWorld) => seam.counts['/client_sessions/get_or_create']?.received ?? 0

function operations({ counted }: BenchWorld): { reads: number; writes: number } {
  const of = (...names: string[]) =>
    names.reduce((sum, name) => sum + (counted.counts[name]?.received ?? 0), 0)
  return { reads: of('GetItem', 'Query', 'Scan'), writes: of('PutItem', 'UpdateItem', 'DeleteItem') }
}

/** Whoever comes first meets a quieter or a busier machine: each comes first in turn. */
function rotated<T>(all: T[], by: number): T[] {
  const at = by % all.length
  return [...all.slice(at), ...all.slice(0, at)]
}

async function inParallel(width: number, count: number, act: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < count) await act(next++)
    }),
  )
}
