import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished, vi } from 'vitest'
import type { AwsDeps, SdkReason } from '../../../functions/aws/caller.ts'
import type { AwsEnvironment } from '../../../functions/aws/endpoint.ts'
import { listen, stopListening } from '../../loopback.ts'

/** A service of AWS that answers by a script, and tells what it was asked. */

export interface Asked {
  operation: string
  viaSdk: boolean
  /** Of its connection: the first is 1. */
  connection: number
  authorization: string
  date: string
  body: string
}

export type Answer = (response: ServerResponse, request: IncomingMessage) => void

export interface Scripted {
  url: string
  asked: Asked[]
  /** Answers to the next requests, before `answer` is used again. */
  next: Answer[]
  answer: Answer
}

export async function startScripted(answer: Answer = json(200, {})): Promise<Scripted> {
  const connections = new Map<Socket, number>()
  const server = createServer(async (request, response) => {
    const body = await text(request)
    const { 'x-amz-target': target, authorization = '', 'x-amz-date': date } = request.headers
    scripted.asked.push({
      operation: String(target).split('.')[1] ?? '',
      viaSdk: request.headers['amz-sdk-invocation-id'] !== undefined,
      connection: connections.get(request.socket) ?? 0,
      authorization,
      date: String(date),
      body,
    })
    const act = scripted.next.shift() ?? scripted.answer
    act(response, request)
  })
  server.on('connection', (socket) => connections.set(socket, connections.size + 1))
  const scripted: Scripted = { url: await listen(server, 0, 'AWS'), asked: [], next: [], answer }
  onTestFinished(() => stopListening(server))
  return scripted
}

export const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response
      .writeHead(status, { 'content-type': 'application/x-amz-json-1.0', ...headers })
      .end(typeof body === 'string' ? body : JSON.stringify(body))

export const refusal = (name: string, more: object = {}): Answer =>
  json(400, { __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: 'no', ...more })

export const reset: Answer = (response) => response.destroy()
export const silence: Answer = () => {}
export const cutOff: Answer = (response) => {
  response.writeHead(200, { 'content-length': '1000' })
  response.write('{}', () => response.destroy())
}

/** As a role in Lambda has it. The SDK reads the environment of the process, so it is set there. */
export function inLambda(changes: AwsEnvironment & Record<string, string> = {}): {
  deps: AwsDeps
  /** Why, for each operation that went to the SDK. */
  toSdk: SdkReason[]
  advance(ms: number): void
} {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  const environment = {
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'AKIDROLE',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_SESSION_TOKEN: 'session',
    // No file of whoever runs this test.
    HOME: '/nonexistent',
    ...changes,
  }
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  onTestFinished(() => {
    vi.unstubAllEnvs()
  })
  const toSdk: SdkReason[] = []
  let now = Date.now()
  return {
    deps: {
      environment: process.env as AwsEnvironment,
      clock: () => now,
      noteSdk: (why) => toSdk.push(why),
    },
    toSdk,
    advance(ms) {
      now += ms
    },
  }
}
