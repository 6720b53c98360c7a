import { clientSessionExample } from './openapi-schemas.ts'

/** The routes, as the OpenAPI document describes them; the stack makes its own from the same table. PURE. */

const connectWebviewId = '1d4a2b7e-9f1c-4f0e-8a55-1b8f0c3a77d2'

/** Any request may get these. */
const always = [400, 500] as const
const forCallers = [...always, 401, 403, 413, 429, 502, 503, 504] as const

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

const clientSession = {
  post: operation('client session', 'vendClientSession', 'The caller’s client session token', {
    description:
      'Reuses the client session of the caller, extends it, or makes a new one: callers may ask as often as they need a token. It reaches the connected accounts of the caller and no others.',
    requestBody: jsonBody(
      'ClientSessionRequest',
      { stale_client_session_id: clientSessionExample.client_session_id },
      'Empty, or with the client session whose token Seam has answered with 401.',
    ),
    responses: {
      200: answer(
        'ClientSession',
        'The client session that the caller had, perhaps extended.',
        clientSessionExample,
      ),
      201: answer('ClientSession', 'A new client session.', clientSessionExample),
      ...problems(...forCallers, 415),
    },
  }),
  delete: operation('client session', 'signOut', 'Ends the client session of the caller’s login', {
    description:
      'Where the issuer names a session claim, the caller’s other logins keep theirs; otherwise all share one. May be repeated: without a client session it does nothing.',
    responses: { 204: empty('There is no client session any more.'), ...problems(...forCallers) },
  }),
} satisfies Methods

const clientSessions = {
  delete: operation('client session', 'signOutEverywhere', 'Ends all client sessions of the caller', {
    description:
      'On every device, and refuses bearer tokens issued before. May be repeated with the same bearer token, to see it to its end.',
    responses: { 204: empty('There is no client session any more.'), ...problems(...forCallers) },
  }),
} satisfies Methods

const connectWebview = {
  post: operation('connect webview', 'makeConnectWebview', 'A Connect Webview for the caller', {
    description: 'The account that somebody logs in to there becomes one of the caller’s.',
    requestBody: jsonBody(
      'ConnectWebviewRequest',
      { accepted_providers: ['august', 'yale'], custom_redirect_url: 'https://app.example/devices' },
      'Empty, or what Seam shall offer, and where it shall lead back to.',
    ),
    responses: {
      201: answer('ConnectWebview', 'Open its address in the caller’s browser.', {
        connect_webview_id: connectWebviewId,
        url: `https://connect.getseam.com/connect_webviews/view?connect_webview_id=${connectWebviewId}`,
        expires_at: '2026-04-01T12:00:00.000Z',
      }),
      ...problems(...forCallers, 415),
    },
  }),
} satisfies Methods

const oneConnectWebview = {
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
    responses: {
      200: answer('ConnectWebviewStatus', 'How it goes by now.', { status: 'connected' }),
      ...problems(...forCallers, 404),
    },
  }),
} satisfies Methods

const webhook = {
  post: operation('webhook', 'takeWebhook', 'Seam’s events', {
    description: 'Only for Seam, whose webhooks Svix signs.',
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
      204: empty('It has had its effect, or has none here.'),
      ...problems(...always, 413, 502, 503, 504),
    },
  }),
} satisfies Methods

const done = { description: 'It has had its effect, or has none here.', headers: usualHeaders }
const [form, compact] = [{ schema: { type: 'object' } }, { schema: { type: 'string' } }]

const identityEvents = {
  post: {
    operationId: 'takeIdentityEvents',
    tags: ['identity events'],
    summary: 'What an identity provider says of its people',
    description:
      'Only for the configured identity providers: OpenID Connect Back-Channel Logout 1.0, and security event tokens pushed as in RFC 8935. Judged by the body, whatever its content type.',
    security: [],
    requestBody: {
      required: true,
      content: { 'application/x-www-form-urlencoded': form, 'application/secevent+jwt': compact },
    },
    responses: {
      200: { ...done, description: 'A logout token: it has had its effect, or has none here.' },
      202: done,
      400: { ...done, description: 'Not accepted.', content: { 'application/json': form } },
      ...problems(413, 500, 503, 504),
    },
  },
} satisfies Methods

const health = {
  get: operation('service', 'readHealth', 'Whether the service answers', {
    security: [],
    responses: {
      200: answer('Health', 'It does.', {
        status: 'ok',
        version: '1.0.0',
        configuration: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      }),
      ...problems(500),
    },
  }),
} satisfies Methods

const itself = {
  get: operation('service', 'readOpenApi', 'This document', {
    security: [],
    responses: {
      200: {
        description: 'OpenAPI 3.1.',
        headers: usualHeaders,
        content: { 'application/json': { schema: { type: 'object', required: ['openapi', 'paths'] } } },
      },
      ...problems(500),
    },
  }),
} satisfies Methods

/** Every route of the service. The stack makes its own from these; `app.ts` has the handlers. */
export const paths = {
  '/client-session': clientSession,
  '/client-sessions': clientSessions,
  '/connect-webview': connectWebview,
  '/connect-webview/{connect_webview_id}': oneConnectWebview,
  '/webhooks/seam': webhook,
  '/identity-events': identityEvents,
  '/healthz': health,
  '/openapi.json': itself,
}

/** One for callers with a bearer token, unless `more` says otherwise. */
function operation<More extends object>(tag: Tag, operationId: string, summary: string, more: More) {
  const tags: [Tag] = [tag]
  return { operationId, tags, summary, security: [{ bearer: [] }] as object[], ...more }
}

function empty(description: string) {
  return { description, headers: usualHeaders }
}

function answer(name: string, description: string, example: unknown) {
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
