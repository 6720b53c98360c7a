import type { ClientRequest, Agent as PlainAgent } from 'node:http'
import { Agent, request } from 'node:https'
import { isObject, parseJson } from '../caller/jws.ts'
import { idleAtMost } from '../http/connections.ts'
import { type AwsEnvironment, type AwsService, endpointOf } from './endpoint.ts'
import { requestSigner, type Sign } from './signature.ts'

/**
 * One signed POST to a service of AWS. It answers nearly everything a vend asks, and costs a fraction of what the SDK
 * does between its caller and the socket (`npm run bench`). Whatever is not answered plainly goes to the SDK, with its
 * retries, its clock correction and its names for errors; the SDK is loaded at that moment.
 */

/** Why an operation went to the SDK: an unusual setting, no complete answer, or an answer that was not plain. */
export type SdkReason = 'setting' | 'no_answer' | 'refused'

export interface AwsDeps {
  environment: AwsEnvironment
  clock: () => number
  /** Called for each operation that goes to the SDK. */
  noteSdk: (why: SdkReason) => void
}

/** One service, as this process reaches it. */
export interface ServiceCaller extends AwsDeps {
  service: AwsService
  /** Undefined: every operation goes to the SDK. */
  endpoint: URL | undefined
  send: typeof request
  agent: Agent | PlainAgent
  sign: Sign
  /** Epoch milliseconds, both. */
  usedAt: number
  sdkOnlyUntil: number
}

/** After an answer that was not plain, ms: clock skew, throttling or expired keys must not double every call. */
const sdkOnlyFor = 10_000

export function serviceCaller(deps: AwsDeps, service: AwsService): ServiceCaller {
  const endpoint = endpointOf(service, deps.environment)
  // A local engine speaks http. To import this module would load undici.
  const plain = endpoint?.protocol === 'http:' ? process.getBuiltinModule('node:http') : undefined
  const options = { keepAlive: true, maxSockets: 50, timeout: idleAtMost }
  return {
    ...deps,
    service,
    endpoint,
    send: plain?.request ?? request,
    agent: plain ? new plain.Agent(options) : new Agent(options),
    sign: requestSigner({ region: deps.environment.AWS_REGION ?? '', service: service.name }),
    usedAt: 0,
    sdkOnlyUntil: 0,
  }
}

interface Call {
  operation: string
  input: object
  /** Within so many. */
  ms: number
}

/**
 * Calls an operation; `viaSdk` does the same with the SDK. A conditional write that is refused throws an error named as
 * the SDK names it.
 */
export async function call<Output>(caller: ServiceCaller, what: Call, viaSdk: () => Promise<Output>) {
  const answer = await quickAnswer(caller, what)
  if (typeof answer === 'object') return outputOf(answer) as Output
  caller.noteSdk(answer)
  try {
    return await viaSdk()
  } finally {
    caller.usedAt = caller.clock()
  }
}

/** Whether connections of before are to be used no more. */
export function wasIdle({ clock, usedAt }: ServiceCaller): boolean {
  return Math.abs(clock() - usedAt) > idleAtMost
}

async function quickAnswer(caller: ServiceCaller, what: Call): Promise<PlainAnswer | SdkReason> {
  const { endpoint, clock } = caller
  if (endpoint === undefined) return 'setting'
  if (clock() < caller.sdkOnlyUntil) return 'refused'
  if (wasIdle(caller)) destroyFreeSockets(caller)
  const answer = await post(caller, endpoint, what)
  caller.usedAt = clock()
  if (answer === 'refused') caller.sdkOnlyUntil = clock() + sdkOnlyFor
  // Others may be as dead as this one was.
  if (answer === 'no_answer') destroyFreeSockets(caller)
  return answer
}

function destroyFreeSockets({ agent }: ServiceCaller): void {
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
}

/** Never rejects. */
function post(caller: ServiceCaller, endpoint: URL, { operation, input, ms }: Call) {
  const { agent, send } = caller
  const { hostname, port } = endpoint
  const body = JSON.stringify(input)
  const headers = signedHeaders(caller, endpoint.host, operation, body)
  return new Promise<PlainAnswer | 'no_answer' | 'refused'>((resolve) => {
    const sent: ClientRequest = send({
      // A URL has an IPv6 address in brackets.
      host: hostname.replace(/^\[|\]$/g, ''),
      port,
      method: 'POST',
      path: '/',
      agent,
      headers,
    })
    const timer = setTimeout(() => {
      sent.destroy()
      // A request that waits for a connection is closed only when it gets one.
      resolve('no_answer')
    }, ms)
    sent.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
      })
      response.on('end', () => resolve(plainAnswer(response.statusCode, text) ?? 'refused'))
    })
    sent.on('error', () => {})
    // After the end of a complete response, or instead of it.
    sent.on('close', () => {
      clearTimeout(timer)
      resolve('no_answer')
    })
    sent.end(body)
  })
}

/** In alphabetical order, as they are signed. */
function signedHeaders(caller: ServiceCaller, host: string, operation: string, body: string) {
  const { environment, service, clock, sign } = caller
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '', AWS_SESSION_TOKEN } = environment
  const headers = {
    'content-type': service.contentType,
    host,
    'x-amz-date': new Date(clock()).toISOString().replace(/[-:]|\.\d{3}/g, ''),
    ...(AWS_SESSION_TOKEN !== undefined && { 'x-amz-security-token': AWS_SESSION_TOKEN }),
    'x-amz-target': `${service.target}.${operation}`,
  }
  const credentials = { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY }
  return { ...headers, authorization: sign(headers, body, credentials) }
}

interface PlainAnswer {
  status: 200 | 400
  output: Record<string, unknown>
}

/** A JSON object with 200, or that a condition does not hold. */
function plainAnswer(status: number | undefined, text: string): PlainAnswer | undefined {
  if (status !== 200 && status !== 400) return undefined
  const output = parseJson(text)
  if (!isObject(output)) return undefined
  return status === 200 || String(output.__type).endsWith(`#${conditionFailed}`)
    ? { status, output }
    : undefined
}

const conditionFailed = 'ConditionalCheckFailedException'

function outputOf({ status, output }: PlainAnswer): unknown {
  if (status === 200) return output
  throw Object.assign(new Error(), { name: conditionFailed, ...('Item' in output && { Item: output.Item }) })
}
