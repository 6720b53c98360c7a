import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import type { PartsOrder, PartsTaken } from './parts.ts'
import { type Spread, spread } from './statistics.ts'
import type { BenchWorld } from './world.ts'

/** Microseconds of one warm vend, by part; `rest` is what the others leave of the whole. */
export type ByPart = Record<keyof PartsTaken | 'rest', Spread>

export async function benchByPart(world: BenchWorld, size: { vends: number }): Promise<ByPart> {
  const environment = world.environment()
  const child = spawn(process.execPath, [`${import.meta.dirname}/parts.ts`], {
    env: environment,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const order: PartsOrder = {
    configuration: world.configuration,
    seamApiKey: world.seam.apiKey,
    tableName: environment.TABLE_NAME ?? '',
    token: await world.token('by-part'),
    vends: size.vends,
  }
  child.stdin.end(JSON.stringify(order))
  const taken = JSON.parse(await text(child.stdout)) as PartsTaken
  const rest = taken.whole.map(
    (whole, i) => whole - (taken.verify[i] ?? 0) - (taken.read[i] ?? 0) - (taken.unseal[i] ?? 0),
  )
  return {
    whole: spread(taken.whole),
    verify: spread(taken.verify),
    read: spread(taken.read),
    unseal: spread(taken.unseal),
    rest: spread(rest),
  }
}
