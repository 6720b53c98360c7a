import type { ChildProcess } from 'node:child_process'
import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { heard, passed, wrote } from './leaks.ts'

/** vitest's `setupFiles`: what a test process and its children print is searched as well. */

const textOf = (chunk: unknown) =>
  chunk instanceof Uint8Array ? Buffer.from(chunk).toString() : String(chunk)

/** Where test files share a process, this file is run again for each of them. */
const shared = globalThis as { listens?: true }
if (!shared.listens) {
  shared.listens = true
  listenToStreams()
  listenToChildren()
  listenToServers()
}

function listenToStreams(): void {
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean
    stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]) => {
      wrote(textOf(chunk))
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
}

/** Whoever starts it: a test, the house, or a library. Those that are waited for (`spawnSync`) are not announced. */
function listenToChildren(): void {
  subscribe('child_process', (message) => {
    const { process: child } = message as { process: ChildProcess }
    // It gets its streams in this very tick.
    process.nextTick(() => {
      for (const stream of [child.stdout, child.stderr]) if (stream) heard(stream)
    })
  })
}

/** The secrets of a local Seam, of an identity provider and of AWS are known by what those are sent and what they answer. */
function listenToServers(): void {
  subscribe('http.server.request.start', (message) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse }
    // The table holds tokens sealed, and what else is secret in it is Seam's.
    if (String(request.headers['x-amz-target']).startsWith('DynamoDB')) return
    passed(request.headers.authorization ?? '')
    const push = request.push.bind(request)
    request.push = (chunk: unknown, encoding?: BufferEncoding) => {
      if (chunk !== null) passed(textOf(chunk))
      return push(chunk, encoding)
    }
    for (const method of ['write', 'end'] as const) {
      const send = response[method].bind(response) as (...args: unknown[]) => never
      response[method] = (...args: unknown[]) => {
        if (typeof args[0] === 'string' || args[0] instanceof Uint8Array) passed(textOf(args[0]))
        return send(...args)
      }
    }
  })
}
