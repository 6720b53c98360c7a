import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type * as z from 'zod/v4-mini'

/** One request to the local Seam, read to its end. */
export type Call = {
  method: string
  path: string
  /** The query's and the body's members together, as Seam reads them. */
  params: Record<string, unknown>
  headers: IncomingHttpHeaders
  request: IncomingMessage
}

export type Answer = { status: number; headers: Record<string, string>; body: string }

/** What a route throws to refuse; becomes Seam's error envelope. */
export class Refusal extends Error {
  readonly status: number
  readonly type: string
  readonly extra: Record<string, unknown>

  constructor(status: number, type: string, message: string, extra: Record<string, unknown> = {}) {
    super(message)
    this.status = status
    this.type = type
    this.extra = extra
  }
}

export const json = (status: number, body: unknown): Answer => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: JSON.stringify(body),
})

export const ok = (members: Record<string, unknown> = {}): Answer => json(200, { ...members, ok: true })

export const refused = ({ status, type, message, extra }: Refusal, requestId: string): Answer =>
  json(status, { error: { type, message, request_id: requestId, ...extra }, ok: false })

const longestBody = 1_048_576

/** @throws Refusal when the body is too large or not a JSON object. */
export const readCall = async (request: IncomingMessage): Promise<Call> => {
  const url = new URL(request.url ?? '/', 'http://seam')
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= longestBody) chunks.push(chunk)
  }
  if (size > longestBody) throw new Refusal(413, 'request_too_large', 'The body exceeds 1 MB')
  return {
    method: request.method ?? 'GET',
    path: url.pathname,
    params: { ...queryOf(url.searchParams), ...bodyOf(Buffer.concat(chunks).toString(), request.headers) },
    headers: request.headers,
    request,
  }
}

const queryOf = (searchParams: URLSearchParams): Record<string, unknown> => {
  const query: Record<string, unknown> = {}
  for (const name of new Set(searchParams.keys())) {
    const values = searchParams.getAll(name)
    if (name.endsWith('[]')) query[name.slice(0, -2)] = values
    else query[name] = values.length > 1 ? values : values[0]
  }
  return query
}

const bodyOf = (text: string, headers: IncomingHttpHeaders): Record<string, unknown> => {
  if (text === '') return {}
  if (headers['content-type']?.startsWith('application/x-www-form-urlencoded'))
    return queryOf(new URLSearchParams(text))
  const body = parsed(text)
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return { ...body }
  throw new Refusal(400, 'invalid_input', 'The body must be a JSON object')
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What the elements of `@seamapi/react` and Seam's SDK send; browsers ask for each by name. */
const allowedHeaders = [
  'accept',
  'authorization',
  'client-session-token',
  'content-type',
  'seam-client-session-token',
  'seam-lts-version',
  'seam-publishable-key',
  'seam-sdk-name',
  'seam-sdk-version',
  'seam-user-identifier-key',
  'seam-workspace',
  'user-agent',
].join(', ')

/** The elements call with credentials, and then a browser does not accept `*`. */
export const corsHeaders = (origin: string | undefined): Record<string, string> => ({
  'access-control-allow-origin': origin ?? '*',
  ...(origin !== undefined && { 'access-control-allow-credentials': 'true', vary: 'Origin' }),
  'access-control-allow-headers': allowedHeaders,
  'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE, OPTIONS',
  'access-control-expose-headers': 'retry-after, seam-request-id',
})

/**
 * Sends to whoever is still there.
 * @param now epoch milliseconds by the workspace's own clock, which `Date` follows
 */
export const send = (response: ServerResponse, answer: Answer, now: number): void => {
  if (response.destroyed || response.headersSent) return
  response.sendDate = false
  response.writeHead(answer.status, {
    ...answer.headers,
    date: new Date(now).toUTCString(),
    'content-length': Buffer.byteLength(answer.body),
  })
  response.end(answer.body)
}

export const newRequestId = (): string => randomUUID()

export const bearerOf = ({ authorization }: IncomingHttpHeaders): string | undefined =>
  /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]

/** @throws Refusal in the form of Seam's own validation errors. */
export const checked = <T>(schema: z.ZodMiniType<T>, params: unknown): T => {
  const result = schema.safeParse(params)
  if (result.success) return result.data
  const errors = Object.fromEntries(
    result.error.issues.map(({ path, message }) => [path[0] ?? '', { _errors: [message] }]),
  )
  throw new Refusal(400, 'invalid_input', 'Some parameters are invalid', { validation_errors: errors })
}
