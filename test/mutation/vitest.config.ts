import { defineConfig } from 'vitest/config'

/** The tests that hold what is mutated, and start nothing: a run of them takes seconds. */
export default defineConfig({
  test: {
    testTimeout: 60_000,
    isolate: false,
    setupFiles: ['test/mutation/quick.ts'],
    root: new URL('../..', import.meta.url).pathname,
    include: [
      'test/functions/{verdict,user,answer,change}.test.ts',
      'test/functions/caller/caller.test.ts',
      'test/mutation/histories.ts',
    ],
  },
})
