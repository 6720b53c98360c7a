import { wrote } from './leaks.ts'

/** vitest's `setupFiles`: what a test process prints is searched as well. */
for (const stream of [process.stdout, process.stderr]) {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean
  stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]) => {
    wrote(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString())
    return write(chunk, ...rest)
  }) as typeof stream.write
}
for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const) {
  const print = console[level].bind(console)
  console[level] = (...values: unknown[]) => {
    wrote(values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(' '))
    print(...values)
  }
}
