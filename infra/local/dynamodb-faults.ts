import { once } from 'node:events'
import { type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { urlToHttpOptions } from 'node:url'
import * as z from 'zod/v4-mini'
import { chancesFrom } from './chances.ts'
import { controlOf } from './control.ts'
import { listen } from './loopback.ts'
import { checked } from './seam/wire.ts'

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

const limits = z.object({
  /** `GetItem`, `PutItem`, …; absent: all. */
  operations: z.optional(z.array(z.string())),
  /** How often at most; absent: without end. */
  times: z.optional(z.int().check(z.gte(1))),
  /** Which share of the matching requests, 0–1; absent: all. */
  share: z.optional(z.number().check(z.gte(0), z.lte(1))),
})

const ruleSchema = z.intersection(z.discriminatedUnion('kind', kinds), limits)
const planSchema = z.object({ seed: z.optional(z.int()), faults: z.array(ruleSchema) })

export type Rule = z.infer<typeof ruleSchema>

export interface Faults {
  /** Rules are asked in the order they were added; the first that strikes does. Returns how to take it back. */
  add(rule: Rule): () => void
  clear(): void
  /** Begins the sequence of chances anew: the same requests in the same order meet the same faults. */
  reseed(seed: number): void
  /** What is still to strike. */
  planned(): Rule[]
  /** By kind: faults that met a client that was still waiting. */
  delivered: Partial<Record<Rule['kind'], number>>
}

export interface DynamoDbFaults {
  /** Base URL, to be used instead of the engine's. */
  endpoint: string
  /** By operation: requests received, and those carried out by the engine. */
  counts: Record<string, { received: number; applied: number }>
  faults: Faults
  /**
   * Base URL of the control address: `GET /` → { faults, delivered, counts }; `PUT /faults` { seed?, faults },
   * `POST /faults` with one more and `DELETE /faults` answer the same.
   */
  control: string | undefined
  close(): Promise<void>
}

/** Stands in front of a DynamoDB engine and lets it fail on purpose. Without rules it passes everything on. */
export async function startDynamoDbFaults(options: {
  /** The engine's base URL, or its socket's path. */
  endpoint: string
  /** Who may come in, by the id in their signature; absent: everybody. */
  accessKeyId?: string
  seed?: number
  control?: boolean
}): Promise<DynamoDbFaults> {
  const counts: DynamoDbFaults['counts'] = {}
  const plan = faultPlan(options.seed ?? 1)
  const index = staleIndex()

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (options.accessKeyId !== undefined && accessKeyIdOf(request) !== options.accessKeyId)
      return reply(response, refusal(400, 'UnrecognizedClientException', strangers))
    const call = await readCall(request)
    const count = counts[call.operation] ?? { received: 0, applied: 0 }
    counts[call.operation] = count
    count.received++
    const carryOut = async () => {
      count.applied++
      const result = await forward(options.endpoint, call)
      index.remember(call, result)
      return result
    }
    const fault = plan.next(call)
    if (fault === undefined) return reply(response, await carryOut())

    const waiting = () => !response.destroyed && request.socket.writable
    const deliver = (by: () => void) => {
      if (!waiting()) return
      plan.deliver(fault.kind)
      by()
    }
    const lose = (how: 'reset' | 'silence' | 'stall' | 'failed') => {
      if (how === 'reset') deliver(() => request.socket.destroy())
      else if (how === 'stall') deliver(() => response.writeHead(200, { 'content-length': 2 }).write('{'))
      else if (how === 'failed') deliver(() => reply(response, refusal(500, 'InternalServerError')))
      // Delivered when the client gives up: until then it may still be waiting for us.
      else response.once('close', () => plan.deliver(fault.kind))
    }
    switch (fault.kind) {
      case 'throttled':
        return deliver(() => reply(response, refusal(400, fault.error ?? 'ThrottlingException')))
      case 'failed':
        return deliver(() => reply(response, refusal(fault.status ?? 500, 'InternalServerError')))
      case 'reset':
      case 'silence':
        return lose(fault.kind)
      case 'answer_lost':
        await carryOut()
        return lose(fault.how ?? 'reset')
      case 'late': {
        if (waiting()) plan.deliver(fault.kind)
        await wait(fault.ms)
        const result = await carryOut()
        return waiting() ? reply(response, result) : undefined
      }
      case 'stale_index':
        return deliver(() => reply(response, index.recall(call)))
    }
  }

  const server = await listen(0, 'the fault layer of DynamoDB')
  server.serve((request, response) => {
    // Our own end, or the engine's: either way nobody can be answered.
    answer(request, response).catch(() => request.socket.destroy())
  })
  const { faults } = plan
  const control = options.control ? await listen(0, 'the control of the fault layer of DynamoDB') : undefined
  control?.serve(faultControl(faults, counts))
  return {
    endpoint: server.url,
    counts,
    faults,
    control: control?.url,
    async close() {
      await Promise.all([server.close(), control?.close()])
    },
  }
}

function faultControl(faults: Faults, counts: DynamoDbFaults['counts']) {
  return controlOf(
    {
      'PUT /faults'(params) {
        const { seed = 1, faults: rules } = checked(planSchema, params)
        faults.clear()
        faults.reseed(seed)
        for (const rule of rules) faults.add(rule)
      },
      'POST /faults': (params) => faults.add(checked(ruleSchema, params)),
      'DELETE /faults': () => faults.clear(),
    },
    () => ({ faults: faults.planned(), delivered: faults.delivered, counts }),
  )
}

interface Call {
  operation: string
  headers: IncomingHttpHeaders
  body: string
  /** Of an index: which partition, from where. Undefined for everything else. */
  indexPage: string | undefined
}

interface Answer {
  status: number
  headers: Record<string, string>
  body: string
}

async function readCall(request: IncomingMessage): Promise<Call> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const body = Buffer.concat(chunks).toString()
  const operation = String(request.headers['x-amz-target'] ?? '').replace(/^.*\./, '')
  return { operation, headers: request.headers, body, indexPage: indexPage(operation, body) }
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
  const passed = ['authorization', 'content-type', 'x-amz-date', 'x-amz-target'] as const
  const engine = endpoint.startsWith('/') ? { socketPath: endpoint } : urlToHttpOptions(new URL(endpoint))
  const forwarded = request({
    ...engine,
    method: 'POST',
    headers: {
      ...Object.fromEntries(passed.map((name) => [name, String(headers[name] ?? '')])),
      'content-length': Buffer.byteLength(body),
    },
  })
  forwarded.end(body)
  const [response] = (await once(forwarded, 'response')) as [IncomingMessage]
  return {
    status: response.statusCode ?? 500,
    headers: { 'content-type': response.headers['content-type'] ?? 'application/x-amz-json-1.0' },
    body: await text(response),
  }
}

function reply(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
}

const strangers = 'Sign with the dynamodb_access_key_id that stands in world.json.'

/** As DynamoDB says no. */
function refusal(status: number, error: string, message = 'A fault on purpose.'): Answer {
  const namespace =
    error === 'ThrottlingException' ? 'com.amazon.coral.availability' : 'com.amazonaws.dynamodb.v20120810'
  const body = JSON.stringify({ __type: `${namespace}#${error}`, message })
  return { status, headers: { 'content-type': 'application/x-amz-json-1.0' }, body }
}

function staleIndex() {
  const pages = new Map<string, Answer>()
  const empty: Answer = {
    status: 200,
    headers: { 'content-type': 'application/x-amz-json-1.0' },
    body: '{"Items":[],"Count":0,"ScannedCount":0}',
  }
  return {
    remember({ indexPage }: Call, answer: Answer) {
      if (indexPage !== undefined && answer.status === 200) pages.set(indexPage, answer)
    },
    recall: ({ indexPage }: Call) => pages.get(indexPage ?? '') ?? empty,
  }
}

function faultPlan(firstSeed: number) {
  let rules: { rule: Rule; left: number }[] = []
  let chance = chancesFrom(firstSeed)
  const delivered: Faults['delivered'] = {}

  const matches = (rule: Rule, { operation, indexPage }: Call) =>
    (rule.operations?.includes(operation) ?? true) &&
    (rule.kind !== 'stale_index' || indexPage !== undefined) &&
    (rule.share === undefined || chance() < rule.share)

  const faults: Faults = {
    add(rule) {
      const entry = { rule, left: rule.times ?? Number.POSITIVE_INFINITY }
      rules.push(entry)
      return () => {
        rules = rules.filter((other) => other !== entry)
      }
    },
    clear() {
      rules = []
    },
    reseed(seed) {
      chance = chancesFrom(seed)
    },
    planned: () => rules.filter(({ left }) => left > 0).map(({ rule }) => rule),
    delivered,
  }
  return {
    faults,
    next(call: Call): Rule | undefined {
      const entry = rules.find(({ rule, left }) => left > 0 && matches(rule, call))
      if (entry !== undefined) entry.left--
      return entry?.rule
    },
    deliver(kind: Rule['kind']) {
      delivered[kind] = (delivered[kind] ?? 0) + 1
    },
  }
}
