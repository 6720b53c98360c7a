import { join } from 'node:path'
import { benchAtSize } from './at-size.ts'
import { benchColdStart } from './cold-start.ts'
import { bundleOurs, type Contender } from './contenders.ts'
import { benchEvents } from './events.ts'
import { benchHotPath, countSessions } from './hot-path.ts'
import { benchImporting } from './importing.ts'
import { benchRaces } from './races.ts'
import { benchSeamDown, outages } from './seam-down.ts'
import type { BenchWorld } from './world.ts'

/**
 * What is measured, in this order, and how often.
 * @param given `quick`: so seldom that the numbers mean nothing
 */
export function parts(
  world: BenchWorld,
  contenders: Contender[],
  given: { quick: boolean; folder: string; firstEdition?: string | undefined },
) {
  const { quick, folder, firstEdition } = given
  const [ours] = contenders as [Contender]
  const size = (whole: number, few: number) => (quick ? few : whole)
  return {
    coldStart: () => benchColdStart(world, contenders, { rounds: size(9, 2) }),
    async hotPath() {
      const serving = contenders.filter(({ name }) => name !== 'empty')
      const rounds = { rounds: size(11, 2), requests: size(400, 50), warmUp: size(1000, 50) }
      return benchHotPath(world, serving, rounds)
    },
    async seamCalls() {
      const counted = { users: size(100, 10), requests: size(10_000, 200) }
      const perLogin = await bundleOurs(world.perLogin, join(folder, 'per-login'))
      const logins = [{ sid: 'phone' }, { sid: 'laptop' }]
      return {
        oneLogin: await countSessions(world, ours, { ...counted, logins: [{}] }),
        twoLogins: await countSessions(world, perLogin, { ...counted, logins }),
      }
    },
    races: () => benchRaces(world, ours, { rounds: size(9, 1), requests: size(200, 20), processes: 4 }),
    async seamDown() {
      const found: Awaited<ReturnType<typeof benchSeamDown>>[] = []
      for (const kind of outages) found.push(await benchSeamDown(world, ours, kind, size(60, 25)))
      return found
    },
    events: () => benchEvents({ events: size(100, 5) }),
    importing: () => benchImporting({ rounds: size(5, 1), users: size(1000, 200), firstEdition }),
    atSize: () => benchAtSize({ users: size(100_000, 500), due: size(1000, 20), listed: size(20_000, 400) }),
  }
}

type Runs = ReturnType<typeof parts>
export type Part = keyof Runs
export type Parts = { [P in Part]: Awaited<ReturnType<Runs[P]>> }
