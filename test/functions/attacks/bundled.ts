import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Configuration } from '../../../functions/config.ts'
import { bundle } from '../../../infra/stack/bundle.ts'
import { listen, stopListening } from '../../loopback.ts'

/** A function that callers meet as it is deployed, in a process of its own with its own environment. */
export interface Bundled {
  handle(event: object): Promise<unknown>
  close(): Promise<void>
}

/** What the process is told: where it is, and what time it is. */
export interface Told {
  file: string
  hosts: Record<string, string>
  now: number
}

/** What it says: a line of its log, or the answer to the event with this number. */
export type Said = { line: string } | { number: number; result: unknown }

export async function startBundled(
  entry: 'vend' | 'connect',
  configuration: Configuration,
  world: {
    hosts: Record<string, string>
    now: number
    write(line: string): void
    environment: { TABLE_NAME: string; AWS_ENDPOINT_URL_DYNAMODB: string; secrets: Record<string, string> }
  },
): Promise<Bundled> {
  const folder = await mkdtemp(join(tmpdir(), 'bundled-'))
  await bundle(entry, configuration, folder)
  const { secrets: values, ...environment } = world.environment
  const secrets = createServer(async (request, response) => {
    const chunks = await request.toArray()
    const { SecretId } = JSON.parse(Buffer.concat(chunks).toString()) as { SecretId: string }
    response.setHeader('content-type', 'application/x-amz-json-1.1')
    response.end(JSON.stringify({ SecretString: values[SecretId] }))
  })

  const told: Told = { file: join(folder, `${entry}.mjs`), hosts: world.hosts, now: world.now }
  const child = fork(join(import.meta.dirname, 'bundled-process.ts'), [JSON.stringify(told)], {
    env: {
      ...environment,
      ...Object.fromEntries(Object.keys(values).map((name) => [name, name])),
      AWS_ENDPOINT_URL_SECRETS_MANAGER: await listen(secrets, 0, 'the secrets'),
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
    },
  })
  const ended = once(child, 'exit')
  const waiting = new Map<number, (result: unknown) => void>()
  child.on('message', (said: Said) => {
    if ('line' in said) world.write(said.line)
    else waiting.get(said.number)?.(said.result)
  })

  let number = 0
  return {
    async handle(event) {
      number += 1
      const { promise, resolve } = Promise.withResolvers<unknown>()
      waiting.set(number, resolve)
      child.send({ number, event })
      return promise
    },
    async close() {
      child.kill()
      await Promise.all([ended, stopListening(secrets), rm(folder, { recursive: true })])
    },
  }
}
