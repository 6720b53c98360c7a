import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'

/** `vending-process.ts` in one file: many are started, and each would read a thousand modules. */
export async function vendingChildren(): Promise<{ start(): ChildProcess; close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'vending-child-'))
  const outfile = join(folder, 'vending-process.mjs')
  await build({
    entryPoints: [`${import.meta.dirname}/vending-process.ts`],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    // What is CommonJS in it still calls `require`.
    banner: {
      js: `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url)`,
    },
  })
  return { start: () => fork(outfile), close: () => rm(folder, { recursive: true, force: true }) }
}
