import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { asDeployed } from './as-deployed.ts'
import { ratios, type Spread, spread } from './statistics.ts'
import type { BenchWorld } from './world.ts'

/** Whether a leaner way to make the one hot read would be worth having: microseconds of CPU per read. */
export interface Reads {
  sdk: Spread
  byHand: Spread
  /** By hand over the SDK. */
  ratio: Spread
}

export async function benchReads(world: BenchWorld, size: { rounds: number }): Promise<Reads> {
  const folder = mkdtempSync(join(tmpdir(), 'reads-'))
  try {
    const file = await asDeployed('reads.mjs', join(folder, 'reads.mjs'))
    const { stdout } = await promisify(execFile)(process.execPath, [file, String(size.rounds)], {
      env: world.environment(),
    })
    const taken: { sdk: number[]; byHand: number[] } = JSON.parse(stdout)
    return {
      sdk: spread(taken.sdk),
      byHand: spread(taken.byHand),
      ratio: ratios(taken.byHand, taken.sdk),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
