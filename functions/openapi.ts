import type { ClientSessionAnswer } from './contract.ts'
import { schemas } from './openapi-schemas.ts'
import { type Code, codes, Problem, type ProblemDetails, problemBody, problemHeaders } from './problem.ts'

/** The OpenAPI 3.1 document: DESIGN §6 for programs. The shapes are the schemas that validate and type; the words are here. */

export type OpenApiDocument = ReturnType<typeof openApiDocument>

const requestId = '3d3f3bd0-6a2f-4a5e-9f0e-5a2f0a7f9f10'
const connectWebviewId = '1d4a2b7e-9f1c-4f0e-8a55-1b8f0c3a77d2'

const clientSessionExample: ClientSessionAnswer = {
  token: 'seam_cst1exam_pleNotARealToken',
  token_type: 'seam_client_session',
  client_session_id: 'c2cbd177-1ef5-4973-b2ed-1e1d3ae7b6a5',
  workspace_id: '7f0f3a52-1b0e-4d0a-8b8e-3f8f0c2c9d11',
  endpoint: 'https://connect.getseam.com',
  expires_at: '2026-03-31T13:00:00.000Z',
  expires_in: 3600,
  refresh_in: 3000,
}

/** What a problem of this kind says beside its title, for its example. */
const details: Partial<Record<Code, ProblemDetails>> = {
  not_provisioned: { subject: 'main|ada' },
  subject_disabled: { subject: 'main|ada' },
  claim_denied: { subject: 'main|ada' },
}

/** Whatever is asked may meet these. */
const always = [400, 500] as const
const forCallers = [...always, 401, 403, 429, 502, 503, 504] as const
const withBody = [413, 415] as const

export function openApiDocument() {
  const clientSession = {
    post: {
      operationId: 'vendClientSession',
      tags: ['client session'],
      summary: 'The caller’s client session token',
      description:
        'Reuses the client session of the caller, extends it, or makes a new one: callers may ask as often as they need a token. It reaches the connected accounts of the caller and no others.',
      security: [{ bearer: [] }],
      requestBody: jsonBody(
        'ClientSessionRequest',
        { stale_client_session_id: clientSessionExample.client_session_id },
        'Empty, or with the client session whose token Seam has answered with 401.',
      ),
      responses: {
        200: answer('ClientSession', 'The client session that the caller had, perhaps extended.', {
          example: clientSessionExample,
        }),
        201: answer('ClientSession', 'A new client session.', { example: clientSessionExample }),
        ...problems(...forCallers, ...withBody),
      },
    },
    delete: {
      operationId: 'signOut',
      tags: ['client session'],
      summary: 'Ends the client session of the caller’s login',
      description:
        'Where the issuer names a session claim, the caller’s other logins keep theirs; otherwise all share one. May be repeated: without a client session it does nothing.',
      security: [{ bearer: [] }],
      responses: {
        204: { description: 'There is no client session any more.', headers: usualHeaders },
        ...problems(...forCallers),
      },
    },
  }
  const clientSessions = {
    delete: {
      operationId: 'signOutEverywhere',
      tags: ['client session'],
      summary: 'Ends all client sessions of the caller',
      description:
        'On every device, and refuses bearer tokens issued before. May be repeated with the same bearer token, to see it to its end.',
      security: [{ bearer: [] }],
      responses: {
        204: { description: 'There is no client session any more.', headers: usualHeaders },
        ...problems(...forCallers),
      },
    },
  }
  const connectWebview = {
    post: {
      operationId: 'makeConnectWebview',
      tags: ['connect webview'],
      summary: 'A Connect Webview for the caller',
      description: 'The account that somebody logs in to there becomes one of the caller’s.',
      security: [{ bearer: [] }],
      requestBody: jsonBody(
        'ConnectWebviewRequest',
        { accepted_providers: ['august', 'yale'], custom_redirect_url: 'https://app.example/devices' },
        'Empty, or what Seam shall offer, and where it shall lead back to.',
      ),
      responses: {
        201: answer('ConnectWebview', 'Open its address in the caller’s browser.', {
          example: {
            connect_webview_id: connectWebviewId,
            url: `https://connect.getseam.com/connect_webviews/view?connect_webview_id=${connectWebviewId}`,
            expires_at: '2026-04-01T12:00:00.000Z',
          },
        }),
        ...problems(...forCallers, ...withBody),
      },
    },
  }
  const oneConnectWebview = {
    get: {
      operationId: 'readConnectWebview',
      tags: ['connect webview'],
      summary: 'How a Connect Webview goes',
      security: [{ bearer: [] }],
      parameters: [
        {
          name: 'connect_webview_id',
          in: 'path',
          required: true,
          description: 'One that the caller has made here.',
          schema: { type: 'string', pattern: '^[\\w-]{1,64}$' },
          example: connectWebviewId,
        },
      ],
      responses: {
        200: answer('ConnectWebviewStatus', 'How it goes by now.', { example: { status: 'connected' } }),
        ...problems(...forCallers, 404),
      },
    },
  }
  const webhook = {
    post: {
      operationId: 'takeWebhook',
      tags: ['webhook'],
      summary: 'Seam’s events',
      description: 'For Seam alone, whose webhooks Svix signs.',
      security: [],
      parameters: ['svix-id', 'svix-timestamp', 'svix-signature'].map((name) => ({
        name,
        in: 'header',
        required: true,
        schema: { type: 'string' },
      })),
      requestBody: {
        required: true,
        content: { 'application/json': { schema: { type: 'object', description: 'An event of Seam’s.' } } },
      },
      responses: {
        204: { description: 'It has had its effect, or has none here.', headers: usualHeaders },
        ...problems(...always, 413, 502, 503, 504),
      },
    },
  }
  const health = {
    get: {
      operationId: 'readHealth',
      tags: ['service'],
      summary: 'Whether the service answers',
      security: [],
      responses: {
        200: answer('Health', 'It does.', { example: { status: 'ok' } }),
        ...problems(500),
      },
    },
  }
  const itself = {
    get: {
      operationId: 'readOpenApi',
      tags: ['service'],
      summary: 'This document',
      security: [],
      responses: {
        200: {
          description: 'OpenAPI 3.1.',
          headers: usualHeaders,
          content: { 'application/json': { schema: { type: 'object', required: ['openapi', 'paths'] } } },
        },
        ...problems(500),
      },
    },
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Seam token vending machine',
      version: '1',
      summary: 'A bearer token of your identity provider in, a Seam client session token out.',
      description:
        'Every problem says in `action` what a client should do: `reauthenticate` (get a fresh bearer token, once), `retry` (after `Retry-After`), `stop` (nothing helps; show it), or `fix_request` (a mistake of the program). Where the gateway in front refuses a request, its body has a `message` and no `action`: then retry.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'Where this document comes from.' }],
    tags: ['client session', 'connect webview', 'webhook', 'service'].map((name) => ({ name })),
    paths: {
      '/client-session': clientSession,
      '/client-sessions': clientSessions,
      '/connect-webview': connectWebview,
      '/connect-webview/{connect_webview_id}': oneConnectWebview,
      '/webhooks/seam': webhook,
      '/healthz': health,
      '/openapi.json': itself,
    },
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'A token of one of the configured identity providers, for one of its audiences.',
        },
      },
      headers: {
        RequestId: {
          description: 'Finds the request in the service’s log.',
          required: true,
          schema: { type: 'string' },
        },
        NoStore: { required: true, schema: { const: 'no-store' } },
        RetryAfter: {
          description: 'Seconds to wait.',
          required: true,
          schema: { type: 'string', pattern: '^[1-9]\\d*$' },
        },
        Challenge: {
          description: 'RFC 6750; without an error code when no token was sent.',
          required: true,
          schema: { enum: ['Bearer', 'Bearer error="invalid_token"'] },
        },
      },
      responses: problemResponses(),
      schemas: schemas(),
    },
  }
}

const usualHeaders = {
  'x-request-id': { $ref: '#/components/headers/RequestId' },
  'cache-control': { $ref: '#/components/headers/NoStore' },
}

function answer(name: string, description: string, { example }: { example: unknown }) {
  return {
    description,
    headers: usualHeaders,
    content: { 'application/json': { schema: { $ref: `#/components/schemas/${name}` }, example } },
  }
}

function jsonBody(name: string, example: unknown, description: string) {
  const schema = { $ref: `#/components/schemas/${name}` }
  return { description, required: false, content: { 'application/json': { schema, example } } }
}

function problems(...statuses: number[]) {
  return Object.fromEntries(
    statuses.map((status) => [status, { $ref: `#/components/responses/Problem${status}` }]),
  )
}

/** One for each status that a declared route can answer with; 405 belongs to methods that are not declared. */
function problemResponses() {
  const byStatus = Map.groupBy(
    codes.filter((code) => code !== 'method_not_allowed'),
    (code) => new Problem(code).status,
  )
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => {
      const examples = codes.map((code) => new Problem(code, details[code] ?? {}))
      const waits = examples.some((problem) => 'retry-after' in problemHeaders(problem))
      return [
        `Problem${status}`,
        {
          description: examples.map((problem) => problemBody(problem, requestId).title).join(' Or: '),
          headers: {
            ...usualHeaders,
            ...(waits && { 'retry-after': { $ref: '#/components/headers/RetryAfter' } }),
            ...(status === 401 && { 'www-authenticate': { $ref: '#/components/headers/Challenge' } }),
          },
          content: {
            'application/problem+json': {
              schema: {
                allOf: [
                  { $ref: '#/components/schemas/Problem' },
                  { properties: { status: { const: status }, code: { enum: codes } } },
                ],
              },
              examples: Object.fromEntries(
                examples.map((problem) => [problem.code, { value: problemBody(problem, requestId) }]),
              ),
            },
          },
        },
      ]
    }),
  )
}
