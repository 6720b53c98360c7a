import { defineConfig } from 'vitest/config'

/** CI reads one closing line; vitest's own summary is coloured and spread over several. */
const closingLine = {
  onTestRunEnd(
    modules: ReadonlyArray<{ children: { allTests(): Iterable<{ result(): { state: string } }> } }>,
  ) {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 }
    for (const module of modules)
      for (const test of module.children.allTests()) count[test.result().state as keyof typeof count]++
    console.log(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`)
  },
}

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    // On two cores vitest would take one, and most tests wait for others half of their time.
    maxWorkers: 2,
    // A process for many files: starting one for each, and loading the SDK and the CDK again, was a quarter of the CPU.
    isolate: false,
    // They end what hangs. On a busy machine everything takes ten times as long, and that is no failure.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 120_000,
    expect: { poll: { timeout: 240_000 } },
    // A process that a test starts finds its modules compiled by the one before it.
    env: { NODE_COMPILE_CACHE: new URL('../node_modules/.cache/compiled', import.meta.url).pathname },
    // Law 9, over the whole run.
    globalSetup: ['test/leaks.ts'],
    setupFiles: ['test/listening.ts'],
    reporters: ['default', closingLine],
  },
})
