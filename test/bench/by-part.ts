import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { asDeployed } from './as-deployed.ts'
import type { PartsOrder, PartsTaken } from './parts.ts'
import { type Spread, spread } from './statistics.ts'
import type { BenchWorld } from './world.ts'

/** Microseconds of one warm vend, by part; `rest` is what the others leave of the whole. */
export type ByPart = Record<keyof PartsTaken | 'rest', Spread>

export async function benchByPart(world: BenchWorld, size: { vends: number }): Promise<ByPart> {
  const environment = world.environment()
  const folder = mkdtempSync(join(tmpdir(), 'parts-'))
  const program = await asDeployed('parts.ts', join(folder, 'parts.mjs'))
  const child = spawn(process.execPath, [program], {
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
  rmSync(folder, { recursive: true })
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
