import { defineConfig } from 'vitest/config'

/** The tests that hold what is mutated, and start nothing: a run of them takes seconds. */
export default defineConfig({
  test: {
    testTimeout: 60_000,
    isolate: false,
    setupFiles: ['test/mutation/quick.ts'],
    root: new URL('../..', import.meta.url).pathname,
    include: [
      'test/functions/session/verdict.test.ts',
      'test/functions/session/check-answer.test.ts',
      'test/functions/record/update.test.ts',
      'test/functions/record/writes.test.ts',
      'test/functions/caller/caller.test.ts',
      'test/functions/caller/step-up.test.ts',
      'test/mutation/histories.ts',
    ],
  },
})
