import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

export interface FunctionSettings {
  name: string
  arn: string
  /** The unzipped asset. */
  folder: string
  handler: string
  logging: { format: string; level: string; group: string }
  environment: Record<string, string>
  /** MB. */
  memory: number
  /** Milliseconds. */
  timeout: number
}

export type Outcome =
  | { value: unknown }
  /** Thrown by the handler, or how the environment ended: `Sandbox.Timedout`, `Runtime.ExitError`, `Runtime.InitError`. */
  | { errorType: string; errorMessage: string }

export interface ExecutionEnvironment {
  pid: number
  /** Frozen: the process stands still until the next invocation. */
  idle: boolean
  alive: boolean
  invoke(event: unknown): Promise<Outcome>
  kill(): Promise<void>
}

const client = fileURLToPath(import.meta.resolve('aws-lambda-ric'))
const preload = new URL('preload.mjs', import.meta.url).href

/**
 * One execution environment of Lambda: AWS's own runtime client in a process of its own, which finds the Runtime
 * API here. It is frozen between invocations, killed at the timeout, and sees nothing but its asset and settings.
 */
export function executionEnvironment(
  settings: FunctionSettings,
  log: (line: string) => void,
): Promise<ExecutionEnvironment> {
  return new Promise((resolve, reject) => start(settings, log, resolve, reject))
}

function start(
  settings: FunctionSettings,
  log: (line: string) => void,
  ready: (environment: ExecutionEnvironment) => void,
  failed: (error: Error) => void,
): void {
  let child: ChildProcess
  let waiting: ServerResponse | undefined
  let running: { id: string; outcome?: Outcome; end: (outcome: Outcome) => void } | undefined

  const server = createServer(async (request, response) => {
    const [, , , subject = '', what = '', verb] = request.url?.split('/') ?? []
    if (what === 'next') return onNext(response)
    const body = await text(request)
    response.writeHead(202).end()
    if (subject === 'init') return failed(Object.assign(new Error(body), { name: 'Runtime.InitError' }))
    if (running?.id === what)
      running.outcome = verb === 'error' ? JSON.parse(body) : { value: JSON.parse(body) }
  })

  const environment: ExecutionEnvironment = {
    pid: 0,
    idle: false,
    alive: true,
    async invoke(event) {
      const id = randomUUID()
      const timer = setTimeout(() => {
        if (running?.id === id)
          running.outcome = { errorType: 'Sandbox.Timedout', errorMessage: `after ${settings.timeout} ms` }
        child.kill('SIGKILL')
      }, settings.timeout)
      const outcome = await new Promise<Outcome>((end) => {
        running = { id, end }
        environment.idle = false
        child.kill('SIGCONT')
        waiting?.writeHead(200, {
          'content-type': 'application/json',
          'lambda-runtime-aws-request-id': id,
          'lambda-runtime-deadline-ms': String(Date.now() + settings.timeout),
          'lambda-runtime-invoked-function-arn': settings.arn,
        })
        waiting?.end(JSON.stringify(event))
        waiting = undefined
      })
      clearTimeout(timer)
      return outcome
    },
    async kill() {
      if (!environment.alive) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }

  /** Asking for the next invocation ends the one before: from here on the process stands still. */
  function onNext(response: ServerResponse): void {
    waiting = response
    child.kill('SIGSTOP')
    environment.idle = true
    const ended = running
    running = undefined
    if (ended === undefined) ready(environment)
    else ended.end(ended.outcome ?? { errorType: 'Runtime.NoAnswer', errorMessage: 'asked for the next one' })
  }

  function onExit(code: number | null, signal: NodeJS.Signals | null): void {
    environment.alive = false
    environment.idle = false
    server.close()
    server.closeAllConnections()
    failed(new Error(`ended before its first invocation: ${code ?? signal}`))
    running?.end(
      running.outcome ?? { errorType: 'Runtime.ExitError', errorMessage: `exited with ${code ?? signal}` },
    )
  }

  server.listen(0, '127.0.0.1', () => {
    child = spawn(
      process.execPath,
      [`--max-old-space-size=${settings.memory}`, '--import', preload, client],
      {
        cwd: settings.folder,
        env: environmentVariables(settings, (server.address() as AddressInfo).port),
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    environment.pid = child.pid ?? 0
    for (const stream of [child.stdout, child.stderr])
      if (stream !== null) createInterface(stream as IncomingMessage).on('line', log)
    child.on('exit', onExit)
  })
}

function environmentVariables(settings: FunctionSettings, port: number): Record<string, string> {
  return {
    AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
    AWS_LAMBDA_FUNCTION_NAME: settings.name,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(settings.memory),
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_LOG_FORMAT: settings.logging.format,
    AWS_LAMBDA_LOG_LEVEL: settings.logging.level,
    AWS_LAMBDA_LOG_GROUP_NAME: settings.logging.group,
    AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
    LAMBDA_TASK_ROOT: settings.folder,
    _HANDLER: settings.handler,
    TZ: ':UTC',
    ...settings.environment,
  }
}
