import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Contender } from './contenders.ts'
import { path, vendHeaders } from './event.ts'

/** So many vends at once. */
export interface Race {
  token: string
  requests: number
}

export interface Finish {
  status: number
  /** Epoch milliseconds. */
  startedAt: number
  answeredAt: number
}

export type Served = Awaited<ReturnType<typeof serve>>

/** A contender that listens, and one caller of it with a connection that stays. */
export async function serve({ file }: Contender, environment: Record<string, string>) {
  const child = fork(`${import.meta.dirname}/server.ts`, [file], {
    env: environment,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const { port } = await told<{ port: number }>(child)
  const agent = new Agent({ keepAlive: true })
  return {
    send: (token: string) => send(agent, port, token),
    /** Throws unless the answer is a 2xx. */
    async ask(token: string) {
      const answer = await send(agent, port, token)
      if (answer.status >= 300) throw new Error(`a contender answered ${answer.status}: ${answer.body}`)
      return answer
    },
    /** Microseconds of CPU since its start, user and system. */
    async cpu() {
      child.send('cpu')
      const { user, system } = await told<NodeJS.CpuUsage>(child)
      return user + system
    },
    race(race: Race) {
      child.send(race)
      return told<Finish[]>(child)
    },
    async end() {
      agent.destroy()
      child.disconnect()
      await once(child, 'exit')
    },
  }
}

/** `ms`: until the answer was read. */
async function send(agent: Agent, port: number, token: string) {
  const startedAt = performance.now()
  const headers = vendHeaders(token)
  const sent = request({ agent, host: '127.0.0.1', port, method: 'POST', path, headers })
  sent.end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  const body = await text(response)
  return { status: response.statusCode ?? 0, body, ms: performance.now() - startedAt }
}

async function told<Message>(child: ChildProcess): Promise<Message> {
  const waiting = new AbortController()
  const { signal } = waiting
  const ended = once(child, 'exit', { signal }).then(() => {
    throw new Error('a contender ended by itself')
  })
  ended.catch(() => undefined)
  try {
    const [message] = await Promise.race([once(child, 'message', { signal }), ended])
    return message as Message
  } finally {
    waiting.abort()
  }
}
