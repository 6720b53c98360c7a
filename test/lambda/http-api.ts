import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { answerFaults } from '../functions/http/answers.ts'
import { listen, stopListening } from '../loopback.ts'
import type { LambdaFunction } from './lambda-function.ts'
import { account, type Template } from './template.ts'

export interface HttpApi {
  /** Base URL. */
  url: string
  close(): Promise<void>
}

interface Cors {
  AllowOrigins: string[]
  AllowMethods: string[]
  AllowHeaders: string[]
  ExposeHeaders: string[]
  MaxAge: number
}

interface Answer {
  status: number
  headers: OutgoingHttpHeaders
  body: string | Buffer
}

/** An HTTP API with the template's routes and cross-origin rules, in front of functions by their logical ids. */
export async function startHttpApi(
  template: Template,
  functions: ReadonlyMap<string, LambdaFunction>,
): Promise<HttpApi> {
  const cors: Cors = template.resources('AWS::ApiGatewayV2::Api')[0]?.[1].Properties.CorsConfiguration
  const routes = routesOf(template, functions)

  const server = createServer(async (request, response) => {
    const { origin } = request.headers
    if (request.method === 'OPTIONS') {
      send(response, preflight(cors, origin))
      return
    }
    const answer = await ask(request)
    // The API's own rules take the place of whatever the function says about other origins.
    const theirs = Object.entries(answer.headers).filter(([name]) => !name.startsWith('access-control-'))
    send(response, { ...answer, headers: { ...Object.fromEntries(theirs), ...allowed(cors, origin) } })
  })

  async function ask(request: IncomingMessage): Promise<Answer> {
    const { pathname } = new URL(request.url ?? '/', 'http://api')
    const route = routes.find((it) => it.matches(request.method ?? '', pathname))
    if (route === undefined) return message(404, 'Not Found')
    const outcome = await route.lambda.invoke(await eventOf(request, route.key))
    if ('errorType' in outcome) return message(500, 'Internal Server Error')
    const {
      statusCode,
      headers,
      body = '',
      isBase64Encoded,
    } = outcome.value as {
      statusCode: number
      headers: OutgoingHttpHeaders
      body?: string
      isBase64Encoded?: boolean
    }
    const answer = { status: statusCode, headers, body: isBase64Encoded ? Buffer.from(body, 'base64') : body }
    const faults = faultsIn(answer, request.method ?? '', pathname)
    return faults.length > 0 ? message(500, faults.join('; ')) : answer
  }

  const url = await listen(server, 0, 'the HTTP API')
  return { url, close: () => stopListening(server) }
}

/** What the OpenAPI document does not allow about a function's answer. */
function faultsIn({ status, headers, body }: Answer, method: string, path: string): string[] {
  const all = new Headers(
    Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]),
  )
  return answerFaults({ method, path, status, headers: all, text: body.toString() })
}

function routesOf(template: Template, functions: ReadonlyMap<string, LambdaFunction>) {
  const integrations = new Map(template.resources('AWS::ApiGatewayV2::Integration'))
  return template.resources('AWS::ApiGatewayV2::Route').map(([id, { Properties }]) => {
    const [, integrationId] = Properties.Target['Fn::Join'][1] as [string, { Ref: string }]
    const integration = integrations.get(integrationId.Ref)?.Properties
    const lambda = functions.get(integration?.IntegrationUri['Fn::GetAtt'][0])
    if (lambda === undefined || integration?.PayloadFormatVersion !== '2.0')
      throw new Error(`${id} leads to no function`)
    const key: string = Properties.RouteKey
    const [method, path = ''] = key.split(' ')
    const pattern = new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`)
    return {
      key,
      lambda,
      matches: (verb: string, pathname: string) =>
        [verb, 'ANY'].includes(method ?? '') && pattern.test(pathname),
    }
  })
}

/** Payload format 2.0: header names in lower case, repeated ones joined by commas. */
async function eventOf(request: IncomingMessage, routeKey: string) {
  const url = new URL(request.url ?? '/', 'http://api')
  const body = await buffer(request)
  const { cookie, ...headers } = request.headers
  const isText = /^(text\/|application\/(json|javascript|xml))/.test(headers['content-type'] ?? 'text/plain')
  const query = [...new Set(url.searchParams.keys())].map((name) => [
    name,
    url.searchParams.getAll(name).join(','),
  ])
  return {
    version: '2.0',
    routeKey,
    rawPath: url.pathname,
    rawQueryString: url.search.slice(1),
    ...(cookie !== undefined && { cookies: cookie.split('; ') }),
    headers,
    ...(query.length > 0 && { queryStringParameters: Object.fromEntries(query) }),
    requestContext: {
      accountId: account,
      apiId: 'api',
      domainName: request.headers.host,
      domainPrefix: 'api',
      http: {
        method: request.method,
        path: url.pathname,
        protocol: 'HTTP/1.1',
        sourceIp: '203.0.113.7',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey,
      stage: '$default',
      timeEpoch: Date.now(),
    },
    ...(body.length > 0 && { body: body.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: body.length > 0 && !isText,
  }
}

function preflight(cors: Cors, origin: string | undefined): Answer {
  const granted = allowed(cors, origin)
  const answers = Object.keys(granted).length > 0 && {
    'access-control-allow-methods': cors.AllowMethods.join(','),
    'access-control-allow-headers': cors.AllowHeaders.join(','),
    'access-control-max-age': String(cors.MaxAge),
  }
  return { status: 204, headers: { ...granted, ...answers }, body: '' }
}

function allowed(cors: Cors, origin: string | undefined): OutgoingHttpHeaders {
  if (origin === undefined || !cors.AllowOrigins.includes(origin)) return {}
  return {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': cors.ExposeHeaders.join(','),
    vary: 'Origin',
  }
}

const message = (status: number, text: string): Answer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ message: text }),
})

const send = (response: ServerResponse, { status, headers, body }: Answer) =>
  response.writeHead(status, headers).end(body)
