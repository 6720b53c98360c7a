import { isDeepStrictEqual } from 'node:util'
import { type ProblemAnswer, problemAnswer } from '../../../functions/contract.ts'
import { bad, type Finding, good } from './finding.ts'

/** What a stranger meets at the endpoint: health, refusals, preflights, and a webhook that nobody has signed. */
export async function endpointFindings(endpoint: string, origins: string[]): Promise<Finding[]> {
  const health = await healthFinding(endpoint)
  if (health.state === 'bad') return [health]
  const rest = await Promise.all([
    unauthorizedFinding(endpoint, undefined, 'missing_token', 'Bearer'),
    unauthorizedFinding(endpoint, 'no.real.token', 'invalid_token', 'Bearer error="invalid_token"'),
    webhookFinding(endpoint),
    ...origins.map((origin) => originFinding(endpoint, origin)),
    strangerFinding(endpoint),
  ])
  return [health, ...rest]
}

/** Milliseconds. */
const patience = 15_000

/** Status 0 when there was no answer. */
export async function send(address: string, request: RequestInit = {}): Promise<Response> {
  const signal = AbortSignal.timeout(patience)
  return fetch(address, { redirect: 'manual', signal, ...request }).catch(() => Response.error())
}

async function healthFinding(endpoint: string): Promise<Finding> {
  const what = 'endpoint'
  const todo = 'start it, or correct the address'
  const response = await send(`${endpoint}/healthz`)
  if (response.status === 0) return bad(what, `${endpoint} does not answer`, todo)
  const body = await response.json().catch(() => undefined)
  return isDeepStrictEqual(body, { status: 'ok' })
    ? good(what, `${endpoint} answers`)
    : bad(what, `${endpoint}/healthz answers ${response.status}, and not as this service does`, todo)
}

async function unauthorizedFinding(
  endpoint: string,
  token: string | undefined,
  code: ProblemAnswer['code'],
  challenge: string,
): Promise<Finding> {
  const what = code === 'missing_token' ? 'without a token' : 'with a wrong token'
  const response = await send(`${endpoint}/client-session`, {
    method: 'POST',
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  })
  const problem = await problemIn(response)
  return response.status === 401 &&
    problem?.code === code &&
    response.headers.get('www-authenticate') === challenge &&
    response.headers.get('cache-control') === 'no-store'
    ? good(what, `401 ${code}`)
    : bad(
        what,
        `${response.status} ${problem?.code ?? 'and no problem of this service'}`,
        'deploy again; whatever stands between must pass the answer as it is',
      )
}

/** Whoever can post events here can take accounts away. */
async function webhookFinding(endpoint: string): Promise<Finding> {
  const response = await send(`${endpoint}/webhooks/seam`, { method: 'POST', body: '{}' })
  const problem = await problemIn(response)
  if (response.status === 400 && problem?.code === 'invalid_request')
    return good('unsigned webhook', 'is refused')
  return problem?.code === 'upstream_unavailable'
    ? bad(
        'unsigned webhook',
        'cannot be told from a signed one: the webhook secrets are not there',
        'npm run setup -- --stack NAME',
      )
    : bad('unsigned webhook', `${response.status} ${problem?.code ?? ''}`.trimEnd(), 'deploy again')
}

async function originFinding(endpoint: string, origin: string): Promise<Finding> {
  const what = `origin ${origin}`
  const { status, headers } = await preflight(endpoint, origin)
  const methods = headers.get('access-control-allow-methods')?.split(/\s*,\s*/) ?? []
  const names =
    headers
      .get('access-control-allow-headers')
      ?.toLowerCase()
      .split(/\s*,\s*/) ?? []
  const allowed =
    headers.get('access-control-allow-origin') === origin &&
    ['POST', 'GET', 'DELETE'].every((method) => methods.includes(method)) &&
    ['authorization', 'content-type'].every((name) => names.includes(name))
  return allowed
    ? good(what, 'may call')
    : bad(
        what,
        `its preflight is answered with ${status} and no permission`,
        'deploy the configuration again',
      )
}

async function strangerFinding(endpoint: string): Promise<Finding> {
  const { headers } = await preflight(endpoint, 'https://stranger.example')
  const permission = headers.get('access-control-allow-origin')
  return permission === null
    ? good('other origins', 'may not call')
    : bad('other origins', `are allowed as ${permission}`, 'deploy the configuration again')
}

function preflight(endpoint: string, origin: string): Promise<Response> {
  return send(`${endpoint}/client-session`, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    },
  })
}

async function problemIn(response: Response): Promise<ProblemAnswer | undefined> {
  const body: unknown = await response.json().catch(() => undefined)
  const parsed = problemAnswer.safeParse(body)
  return parsed.success ? parsed.data : undefined
}
