import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import type { Contender } from './contenders.ts'

/** A contender that listens, and one caller of it with a connection that stays. */
export interface Served {
  /** Milliseconds until the answer was read. Throws when it is no 2xx. */
  ask: (token: string) => Promise<number>
  /** The same for an answer of any status. */
  send: (token: string) => Promise<{ status: number; ms: number; body: string }>
  /** Microseconds of CPU since its start, user and system. */
  cpu: () => Promise<number>
  end: () => Promise<void>
}

export async function serve({ file }: Contender, environment: Record<string, string>): Promise<Served> {
  const child = fork(`${import.meta.dirname}/server.mjs`, [file], {
    env: environment,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const { port } = await told<{ port: number }>(child)
  const agent = new Agent({ keepAlive: true })
  return {
    async ask(token) {
      const { status, ms, body } = await send({ agent, port, token })
      if (status < 200 || status >= 300) throw new Error(`a contender answered ${status}: ${body}`)
      return ms
    },
    send: (token) => send({ agent, port, token }),
    async cpu() {
      child.send('cpu')
      const { cpu } = await told<{ cpu: NodeJS.CpuUsage }>(child)
      return cpu.user + cpu.system
    },
    async end() {
      agent.destroy()
      child.disconnect()
      await once(child, 'exit')
    },
  }
}

function send(how: {
  agent: Agent
  port: number
  token: string
}): Promise<{ status: number; ms: number; body: string }> {
  const { agent, port, token } = how
  return new Promise((resolve, reject) => {
    const startedAt = performance.now()
    const sent = request(
      {
        agent,
        port,
        host: '127.0.0.1',
        method: 'POST',
        path: '/client-session',
        headers: { authorization: `Bearer ${token}`, origin: 'https://app.example' },
      },
      (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (part) => {
          body += part
        })
        response.on('end', () => {
          const { statusCode: status = 0 } = response
          resolve({ status, ms: performance.now() - startedAt, body })
        })
      },
    )
    sent.on('error', reject)
    sent.end()
  })
}

async function told<Message>(child: ChildProcess): Promise<Message> {
  const told = new AbortController()
  const { signal } = told
  const ended = once(child, 'exit', { signal }).then(() => {
    throw new Error('a contender ended by itself')
  })
  ended.catch(() => undefined)
  try {
    const [message] = await Promise.race([once(child, 'message', { signal }), ended])
    return message as Message
  } finally {
    told.abort()
  }
}
