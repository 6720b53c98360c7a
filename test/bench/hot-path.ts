import { sideBySide } from '../../functions/seam/rate-limit.ts'
import { type Contender, type ContenderName, oursOverTheirs, type Rounds, spreads } from './contenders.ts'
import { type Served, serve } from './served.ts'
import type { BenchWorld } from './world.ts'

/** Microseconds of each contender's CPU per vend that reuses a token, one caller at a time. */
export async function benchHotPath(
  world: BenchWorld,
  contenders: Contender[],
  size: { rounds: number; requests: number; warmUp: number },
) {
  const token = await world.token('hot')
  const served: [ContenderName, Served][] = []
  for (const contender of contenders) {
    const it = await serve(contender, world.environment)
    served.push([contender.name, it])
    // A session first, so that what follows reuses it.
    await it.ask(token)
    await sideBySide(Array(size.warmUp), 10, async () => void (await it.ask(token)))
  }
  const cpu: Rounds = {}
  for (let round = 0; round < size.rounds; round++)
    for (const [name, it] of rotated(served, round)) {
      const before = await it.cpu()
      for (let i = 0; i < size.requests; i++) await it.ask(token)
      const took = ((await it.cpu()) - before) / size.requests
      cpu[name] = [...(cpu[name] ?? []), took]
    }
  for (const [, it] of served) await it.end()
  return { cpu: spreads(cpu), cpuRatio: oursOverTheirs(cpu) }
}

/** Whoever comes first meets a quieter or a busier machine: each comes first in turn. */
function rotated<T>(all: T[], by: number): T[] {
  const at = by % all.length
  return [...all.slice(at), ...all.slice(0, at)]
}

/**
 * New client sessions at Seam for many requests of some users in turn, twenty at a time.
 * @param size `logins`: the claims of each of a user's logins
 */
export async function countSessions(
  world: BenchWorld,
  contender: Contender,
  size: { users: number; requests: number; logins: { sid?: string }[] },
) {
  const { users, requests, logins } = size
  const subs = Array.from({ length: users }, (_, i) => `counted-${logins.length}-${i}`)
  const tokens = await Promise.all(logins.flatMap((claims) => subs.map((sub) => world.token(sub, claims))))
  const it = await serve(contender, world.environment)
  const before = world.sessionsAtSeam()
  await sideBySide(Array(requests).keys(), 20, async (i) => {
    await it.ask(tokens[i % tokens.length] ?? '')
  })
  await it.end()
  return { users, requests, seamCalls: world.sessionsAtSeam() - before }
}
