import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { asDeployed } from './as-deployed.ts'
import { ratios, type Spread, spread } from './statistics.ts'
import type { BenchWorld } from './world.ts'

/** What the leaner way to make the one hot read is worth: microseconds of CPU per read. */
export interface Reads {
  sdk: Spread
  without: Spread
  /** Without the SDK over with it. */
  ratio: Spread
}

export async function benchReads(world: BenchWorld, size: { rounds: number }): Promise<Reads> {
  const folder = mkdtempSync(join(tmpdir(), 'reads-'))
  try {
    const file = await asDeployed('reads.mjs', join(folder, 'reads.mjs'))
    const { stdout } = await promisify(execFile)(process.execPath, [file, String(size.rounds)], {
      env: world.environment(),
    })
    const taken: { sdk: number[]; without: number[] } = JSON.parse(stdout)
    return {
      sdk: spread(taken.sdk),
      without: spread(taken.without),
      ratio: ratios(taken.without, taken.sdk),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
