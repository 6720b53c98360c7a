import type { Said, Told } from './bundled.ts'
import { internetOf } from './internet.ts'

/** Loads the bundle as Lambda would, after the world around it has been set: its clock, its network, where its log goes. */

const { file, hosts, now } = JSON.parse(process.argv[2] ?? '{}') as Told
const say = (said: Said) => process.send?.(said)

Date.now = () => now * 1000
globalThis.fetch = internetOf(hosts)
process.stdout.write = (text: string | Uint8Array) => {
  say({ line: String(text).trimEnd() })
  return true
}

const { handler } = (await import(file)) as { handler(event: object, context: object): Promise<unknown> }
process.on('message', async ({ number, event }: { number: number; event: object }) => {
  say({ number, result: await handler(event, {}) })
})
