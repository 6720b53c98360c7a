import { once } from 'node:events'
import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { urlToHttpOptions } from 'node:url'
import * as z from 'zod/v4-mini'
import { startControl } from './control.ts'
import { FaultPlan, faultLimits } from './faults.ts'
import { listen } from './loopback.ts'

/** What may go wrong with a request to DynamoDB. Only `answer_lost` and `late` are carried out. */
const kinds = [
  z.object({
    kind: z.literal('throttled'),
    error: z.optional(
      z.enum(['ThrottlingException', 'ProvisionedThroughputExceededException', 'RequestLimitExceeded']),
    ),
  }),
  z.object({ kind: z.literal('failed'), status: z.optional(z.literal([500, 503])) }),
  /** The connection breaks before anything is done. */
  z.object({ kind: z.literal('reset') }),
  /** Nothing is done, and no answer ever comes. */
  z.object({ kind: z.literal('silence') }),
  /** Done, but the answer does not arrive: the connection breaks, stays silent, begins and stalls, or a 500 comes instead. */
  z.object({
    kind: z.literal('answer_lost'),
    how: z.optional(z.enum(['reset', 'silence', 'stall', 'failed'])),
  }),
  /** Done after `ms`, whether or not somebody still waits. */
  z.object({ kind: z.literal('late'), ms: z.number() }),
  /** A query of an index is answered as it was at an earlier query of the same partition, at first as empty. */
  z.object({ kind: z.literal('stale_index') }),
] as const

/** `operations`: `GetItem`, `PutItem`, …; absent: all. */
const limits = z.object({ ...faultLimits, operations: z.optional(z.array(z.string())) })

const ruleSchema = z.intersection(z.discriminatedUnion('kind', kinds), limits)

type Rule = z.infer<typeof ruleSchema>

interface Options {
  /** The engine's base URL, or its socket's path. */
  endpoint: string
  /** Who may come in, by the id in their signature; absent: everybody. */
  accessKeyId?: string
}

interface Layer extends Options {
  /** By operation: requests received, and those carried out by the engine. */
  counts: Record<string, { received: number; applied: number }>
  faults: FaultPlan<Rule, Call>
  /** The last answer to each query of an index. */
  indexPages: Map<string, Answer>
}

interface Call {
  operation: string
  headers: IncomingMessage['headers']
  body: string
  /** Of an index: which partition, from where. Undefined for everything else. */
  indexPage: string | undefined
}

interface Answer {
  status: number
  body: string
}

export type DynamoDbFaults = Awaited<ReturnType<typeof startDynamoDbFaults>>

/** Stands in front of a DynamoDB engine and lets it fail on purpose. Without faults it passes everything on. */
export async function startDynamoDbFaults(options: Options) {
  const faults = new FaultPlan<Rule, Call>(matches)
  const layer: Layer = { ...options, counts: {}, faults, indexPages: new Map() }
  const { counts } = layer
  const server = await listen(0, 'the fault layer of DynamoDB')
  server.serve((request, response) => {
    // Our own end, or the engine's: either way nobody can be answered.
    answer(layer, request, response).catch(() => request.socket.destroy())
  })
  const state = () => ({ faults: faults.remaining(), delivered: faults.delivered, counts })
  const control = await startControl('the fault layer of DynamoDB', faults, ruleSchema, state)
  return {
    /** Base URL, to be used instead of the engine's. */
    endpoint: server.url,
    counts,
    faults,
    /** Base URL of the control address: `GET /` → { faults, delivered, counts }; see `startControl` for the rest. */
    control: control.url,
    async close(): Promise<void> {
      await Promise.all([server.close(), control.close()])
    },
  }
}

function matches(rule: Rule, { operation, indexPage }: Call): boolean {
  return (
    (rule.operations?.includes(operation) ?? true) && (rule.kind !== 'stale_index' || indexPage !== undefined)
  )
}

async function answer(layer: Layer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (layer.accessKeyId !== undefined && accessKeyIdOf(request) !== layer.accessKeyId)
    return reply(response, refusal(400, 'UnrecognizedClientException', strangers))
  const { headers } = request
  const body = await text(request)
  const operation = String(headers['x-amz-target'] ?? '').replace(/^.*\./, '')
  const call: Call = { operation, headers, body, indexPage: indexPage(operation, body) }
  countOf(layer, call).received++
  const rule = layer.faults.draw(call)
  if (rule === undefined) return reply(response, await carryOut(layer, call))
  return strike(layer, call, rule, response)
}

const countOf = ({ counts }: Layer, { operation }: Call) =>
  (counts[operation] ??= { received: 0, applied: 0 })

async function carryOut(layer: Layer, call: Call): Promise<Answer> {
  countOf(layer, call).applied++
  const result = await forward(layer.endpoint, call)
  if (call.indexPage !== undefined && result.status === 200) layer.indexPages.set(call.indexPage, result)
  return result
}

async function strike(layer: Layer, call: Call, rule: Rule, response: ServerResponse): Promise<void> {
  const { socket } = response.req
  const isWaiting = () => !response.destroyed && socket.writable
  const deliver = () => layer.faults.count(rule.kind)
  const isLate = rule.kind === 'late'
  if (isLate && isWaiting()) deliver()
  const outcome = await outcomeOf(layer, call, rule)
  // Delivered when the client gives up: until then it may still be waiting for us.
  if (outcome === 'silence') response.once('close', deliver)
  if (outcome === 'silence' || !isWaiting()) return
  if (!isLate) deliver()
  if (outcome === 'reset') socket.destroy()
  else if (outcome === 'stall') response.writeHead(200, { 'content-length': 2 }).write('{')
  else reply(response, outcome)
}

/** An answer, or how there comes none. */
type Outcome = Answer | 'reset' | 'silence' | 'stall'

async function outcomeOf(layer: Layer, call: Call, rule: Rule): Promise<Outcome> {
  switch (rule.kind) {
    case 'throttled':
      return refusal(400, rule.error ?? 'ThrottlingException')
    case 'failed':
      return refusal(rule.status ?? 500, 'InternalServerError')
    case 'answer_lost':
      await carryOut(layer, call)
      return rule.how === 'failed' ? refusal(500, 'InternalServerError') : (rule.how ?? 'reset')
    case 'late':
      await wait(rule.ms)
      return carryOut(layer, call)
    case 'stale_index':
      return layer.indexPages.get(call.indexPage ?? '') ?? noItems
    default:
      return rule.kind
  }
}

/** The sort key's bound is left out: it is the caller's now, and moves with each query. */
function indexPage(operation: string, body: string): string | undefined {
  if (operation !== 'Query') return undefined
  const { TableName, IndexName, KeyConditionExpression, ...rest } = JSON.parse(body)
  if (IndexName === undefined) return undefined
  const partition = /=\s*(:\w+)/.exec(KeyConditionExpression ?? '')?.[1] ?? ''
  const value = rest.ExpressionAttributeValues?.[partition]
  return JSON.stringify([TableName, IndexName, value, rest.ExclusiveStartKey ?? null])
}

/** As SigV4 writes it: `AWS4-HMAC-SHA256 Credential=ID/20260101/local/dynamodb/aws4_request, …`. */
function accessKeyIdOf({ headers }: IncomingMessage): string | undefined {
  return /^AWS4-HMAC-SHA256 Credential=([^/]+)\//.exec(headers.authorization ?? '')?.[1]
}

async function forward(endpoint: string, { headers, body }: Call): Promise<Answer> {
  const engine = endpoint.startsWith('/') ? { socketPath: endpoint } : urlToHttpOptions(new URL(endpoint))
  const forwarded = request({ ...engine, method: 'POST', headers }).end(body)
  const [response] = (await once(forwarded, 'response')) as [IncomingMessage]
  return { status: response.statusCode ?? 500, body: await text(response) }
}

function reply(response: ServerResponse, { status, body }: Answer): void {
  response.statusCode = status
  response.setHeader('content-type', 'application/x-amz-json-1.0').end(body)
}

const noItems: Answer = { status: 200, body: '{"Items":[],"Count":0,"ScannedCount":0}' }
const strangers = 'Sign with the dynamodb_access_key_id in world.json.'

/** As DynamoDB says no. */
function refusal(status: number, error: string, message = 'A fault on purpose.'): Answer {
  const namespace =
    error === 'ThrottlingException' ? 'com.amazon.coral.availability' : 'com.amazonaws.dynamodb.v20120810'
  return { status, body: JSON.stringify({ __type: `${namespace}#${error}`, message }) }
}
