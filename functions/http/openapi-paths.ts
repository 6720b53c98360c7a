import type { ClientSessionAnswer } from './contract.ts'

/** The routes, as the OpenAPI document describes them; the stack makes its own from the same table. PURE. */

const connectWebviewId = '1d4a2b7e-9f1c-4f0e-8a55-1b8f0c3a77d2'

/** By the name of their schema. */
const examples = {
  ClientSessionRequest: { stale_client_session_id: 'c2cbd177-1ef5-4973-b2ed-1e1d3ae7b6a5' },
  ClientSession: {
    token: 'seam_cst1exam_pleNotARealToken',
    token_type: 'seam_client_session',
    client_session_id: 'c2cbd177-1ef5-4973-b2ed-1e1d3ae7b6a5',
    workspace_id: '7f0f3a52-1b0e-4d0a-8b8e-3f8f0c2c9d11',
    endpoint: 'https://connect.getseam.com',
    expires_at: '2026-03-31T13:00:00.000Z',
    expires_in: 3600,
    refresh_in: 3000,
  } satisfies ClientSessionAnswer,
  ConnectWebviewRequest: {
    accepted_providers: ['august', 'yale'],
    custom_redirect_url: 'https://app.example/devices',
  },
  ConnectWebview: {
    connect_webview_id: connectWebviewId,
    url: `https://connect.getseam.com/connect_webviews/view?connect_webview_id=${connectWebviewId}`,
    expires_at: '2026-04-01T12:00:00.000Z',
  },
  ConnectWebviewStatus: { status: 'connected' },
  Health: {
    status: 'ok',
    version: '1.0.0',
    configuration: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  },
}

/** Any request may get these. */
const always = [400, 500]
const forCallers = [...always, 401, 403, 413, 429, 502, 503, 504]

export const usualHeaders = {
  'x-request-id': { $ref: '#/components/headers/RequestId' },
  'cache-control': { $ref: '#/components/headers/NoStore' },
}

/** Which function answers the operations of a tag. */
export const functionOf = {
  'client session': 'vend',
  'connect webview': 'connect',
  webhook: 'webhook',
  'identity events': 'identity-events',
  service: 'vend',
} as const

type Tag = keyof typeof functionOf

/** What a path answers to. */
export type Methods = Partial<Record<'get' | 'post' | 'delete', { tags: [Tag]; [member: string]: unknown }>>

const ended = empty('There is no client session any more.')
const done = empty('It has had its effect, or has none here.')
const [object, text] = [{ schema: { type: 'object' } }, { schema: { type: 'string' } }]

/** Every route of the service. The stack makes its own from these; `app.ts` has the handlers. */
export const paths = {
  '/client-session': {
    post: operation('client session', 'vendClientSession', 'The caller’s client session token', {
      description:
        'Reuses the client session of the caller, extends it, or makes a new one: callers may ask as often as they need a token. It reaches the connected accounts of the caller and no others.',
      requestBody: body('ClientSessionRequest', 'Empty, or names the client session that Seam refused.'),
      answers: {
        200: answer('ClientSession', 'The client session that the caller had, perhaps extended.'),
        201: answer('ClientSession', 'A new client session.'),
      },
      fails: [...forCallers, 415],
    }),
    delete: operation('client session', 'signOut', 'Ends the client session of the caller’s login', {
      description:
        'Where the issuer names a session claim, the caller’s other logins keep theirs; otherwise all share one. May be repeated: without a client session it does nothing.',
      answers: { 204: ended },
    }),
  },
  '/client-sessions': {
    delete: operation('client session', 'signOutEverywhere', 'Ends all client sessions of the caller', {
      description:
        'On every device, and refuses bearer tokens issued before. May be repeated with the same bearer token, to see it to its end.',
      answers: { 204: ended },
    }),
  },
  '/connect-webview': {
    post: operation('connect webview', 'makeConnectWebview', 'A Connect Webview for the caller', {
      description: 'The account that somebody logs in to there becomes one of the caller’s.',
      requestBody: body('ConnectWebviewRequest', 'Empty, or what to offer, and where to lead back to.'),
      answers: { 201: answer('ConnectWebview', 'Open its address in the caller’s browser.') },
      fails: [...forCallers, 415],
    }),
  },
  '/connect-webview/{connect_webview_id}': {
    get: operation('connect webview', 'readConnectWebview', 'How a Connect Webview goes', {
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
      answers: { 200: answer('ConnectWebviewStatus', 'How it goes by now.') },
      fails: [...forCallers, 404],
    }),
  },
  '/webhooks/seam': {
    post: operation('webhook', 'takeWebhook', 'Seam’s events', {
      description: 'Only for Seam, whose webhooks Svix signs.',
      security: [],
      requestBody: { required: true, content: { 'application/json': object } },
      answers: { 204: done },
      fails: [...always, 413, 502, 503, 504],
    }),
  },
  '/identity-events': {
    post: operation('identity events', 'takeIdentityEvents', 'What an identity provider says of its people', {
      description:
        'Only for the configured identity providers: OpenID Connect Back-Channel Logout 1.0, and security event tokens pushed as in RFC 8935. Judged by the body, whatever its content type.',
      security: [],
      requestBody: {
        required: true,
        content: { 'application/x-www-form-urlencoded': object, 'application/secevent+jwt': text },
      },
      answers: {
        200: empty('A logout token: it has had its effect, or has none here.'),
        202: done,
        400: { ...empty('Not accepted.'), content: { 'application/json': object } },
      },
      fails: [413, 500, 503, 504],
    }),
  },
  '/healthz': {
    get: operation('service', 'readHealth', 'Whether the service answers', {
      security: [],
      answers: { 200: answer('Health', 'It does.') },
      fails: [500],
    }),
  },
  '/openapi.json': {
    get: operation('service', 'readOpenApi', 'This document', {
      security: [],
      answers: { 200: { ...empty('OpenAPI 3.1.'), content: { 'application/json': object } } },
      fails: [500],
    }),
  },
} satisfies Record<string, Methods>

interface Described {
  description?: string
  security?: []
  parameters?: object[]
  requestBody?: object
  answers: Record<number, object>
  /** The statuses of its problems. */
  fails?: number[]
}

/** One for callers with a bearer token, unless `described` says otherwise. */
function operation(tag: Tag, operationId: string, summary: string, described: Described) {
  const { answers, fails = forCallers, security = [{ bearer: [] }], ...more } = described
  const problems = fails.map((status) => [status, { $ref: `#/components/responses/Problem${status}` }])
  const responses: Described['answers'] = { ...answers, ...Object.fromEntries(problems) }
  const tags: [Tag] = [tag]
  return { operationId, tags, summary, security, ...more, responses }
}

function empty(description: string) {
  return { description, headers: usualHeaders }
}

function body(name: keyof typeof examples, description: string) {
  const schema = { $ref: `#/components/schemas/${name}` }
  return { description, content: { 'application/json': { schema, example: examples[name] } } }
}

function answer(name: keyof typeof examples, description: string) {
  return { ...body(name, description), headers: usualHeaders }
}
