import { clientSessionAnswer, problemAnswer } from '../../../functions/http/contract.ts'
import { deadlineIn } from '../../../functions/http/deadline.ts'
import { seamClient } from '../../../functions/seam/client.ts'
import { times } from '../../../functions/times.ts'
import { parsedJson } from '../../stage.ts'
import { bearer, type Reply, send } from '../send.ts'
import { bad, check, type Finding, unknown } from './finding.ts'

/** What a stranger meets at the endpoint: health, refusals, preflights, and events that nobody has signed. */
export async function endpointFindings(endpoint: string, origins: string[]): Promise<Finding[]> {
  const health = await healthFinding(endpoint)
  if (health.state === 'bad') return [health]
  const rest = await Promise.all([
    refusalFinding(endpoint, 'without a token', undefined),
    refusalFinding(endpoint, 'with a wrong token', 'no.real.token'),
    unsignedFinding('unsigned webhook', `${endpoint}/webhooks/seam`),
    unsignedFinding('unsigned identity event', `${endpoint}/identity-events`),
    ...origins.map((origin) => originFinding(endpoint, origin)),
    strangerFinding(endpoint),
  ])
  return [health, ...rest]
}

/** The code is that of a problem, or of an identity event's refusal (RFC 8935). */
function codeOf({ body }: Reply): unknown {
  return problemAnswer.safeParse(body).data?.code ?? body?.err ?? 'and no problem of this service'
}

async function healthFinding(endpoint: string): Promise<Finding> {
  const { status, body } = await send(`${endpoint}/healthz`)
  const otherwise = `${endpoint}/healthz answers ${status || 'nothing'}, and not as this service does`
  const todo = 'start it, or correct the address; a domain of your own needs its DNS record'
  return check('endpoint', body?.status === 'ok', `${endpoint} answers`, otherwise, todo)
}

async function refusalFinding(endpoint: string, what: string, token: string | undefined): Promise<Finding> {
  const [wanted, challenge] =
    token === undefined ? ['missing_token', 'Bearer'] : ['invalid_token', 'Bearer error="invalid_token"']
  const request = { method: 'POST', ...(token !== undefined && { headers: bearer(token) }) }
  const reply = await send(`${endpoint}/client-session`, request)
  const { status, headers } = reply
  const isOurs =
    status === 401 &&
    codeOf(reply) === wanted &&
    (headers.get('www-authenticate') ?? headers.get('x-amzn-remapped-www-authenticate')) === challenge &&
    headers.get('cache-control') === 'no-store'
  const todo = 'deploy again; whatever stands between must pass the answer as it is'
  return check(what, isOurs, `401 ${wanted}`, `${status} ${codeOf(reply)}`, todo)
}

/** Whoever can post events here can take accounts away. */
async function unsignedFinding(what: string, address: string): Promise<Finding> {
  const reply = await send(address, { method: 'POST', body: 'nothing' })
  const isRefused = reply.status === 400 && codeOf(reply) === 'invalid_request'
  const todo = 'deploy again; for a 503, `setup --stack NAME` stores the webhook secrets'
  return check(what, isRefused, 'is refused', `${reply.status} ${codeOf(reply)}`, todo)
}

async function originFinding(endpoint: string, origin: string): Promise<Finding> {
  const { status, headers } = await preflight(endpoint, origin)
  const allows = (what: string, names: string[]) => {
    const listed = headers.get(`access-control-allow-${what}`)?.toLowerCase() ?? ''
    return names.every((name) => listed.split(/\s*,\s*/).includes(name))
  }
  const isAllowed =
    headers.get('access-control-allow-origin') === origin &&
    allows('methods', ['post', 'get', 'delete']) &&
    allows('headers', ['authorization', 'content-type'])
  const otherwise = `its preflight is answered with ${status} and no permission`
  return check(`origin ${origin}`, isAllowed, 'may call', otherwise, 'deploy the configuration again')
}

async function strangerFinding(endpoint: string): Promise<Finding> {
  const { headers } = await preflight(endpoint, 'https://stranger.example')
  const allowed = headers.get('access-control-allow-origin')
  const todo = 'deploy the configuration again'
  return check('other origins', allowed === null, 'may not call', `are allowed as ${allowed}`, todo)
}

function preflight(endpoint: string, origin: string) {
  return send(`${endpoint}/client-session`, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    },
  })
}

/** Somebody's bearer token: spoilt in three ways, then one vend and one sign-out. Their client session ends. */
export async function vendFindings(endpoint: string, token: string | undefined): Promise<Finding[]> {
  if (token === undefined)
    return [unknown('a vend', 'not tried', 'give a bearer token on standard input with "--token -"')]
  const headers = bearer(token)
  const negatives = Object.entries(spoilt(token)).map(([what, one]) => refusalFinding(endpoint, what, one))
  const refused = await Promise.all(negatives)
  const reply = await send(`${endpoint}/client-session`, { method: 'POST', headers })
  const vended = clientSessionAnswer.safeParse(reply.body).data
  if (reply.status >= 300 || vended === undefined) return [...refused, refusedVend(reply)]

  const seam = seamClient({ endpoint: vended.endpoint, apiKey: async () => '', times })
  const opened = async () =>
    (await seam.whose(vended.token, deadlineIn(times.vend, Date.now)))?.client_session_id
  const { client_session_id, expires_in } = vended
  const works = (await opened()) === client_session_id
  const signOut = await send(`${endpoint}/client-session`, { method: 'DELETE', headers })
  const isOut = signOut.status === 204 && (await opened()) === undefined
  const accepted = `${reply.status}; Seam accepts the token, for ${expires_in} s`
  const otherwise = 'Seam does not accept the token that was vended'
  const ended = '204; Seam accepts the token no more'
  const todo = 'look into the log; cleaning up tries again'
  return [
    ...refused,
    check('a vend', works, accepted, otherwise, 'look into the log by its request id'),
    check('a sign-out', isOut, ended, `${signOut.status}; the token still works`, todo),
  ]
}

/** Nobody but the issuer can sign the claims that were changed, so each of these must be refused. */
function spoilt(token: string): Record<string, string> {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const claims = parsedJson(Buffer.from(payload, 'base64url').toString())
  // The vend says what is wrong with it.
  if (typeof claims !== 'object' || signature === '') return {}
  const changed = (changes: object) => {
    const changedClaims = Buffer.from(JSON.stringify({ ...claims, ...changes }))
    return [header, changedClaims.toString('base64url'), signature].join('.')
  }
  const first = signature.startsWith('A') ? 'B' : 'A'
  return {
    'with a forged token': [header, payload, first + signature.slice(1)].join('.'),
    'with an expired token': changed({ exp: Math.floor(Date.now() / 1000) - 3600 }),
    'with a foreign audience': changed({ aud: 'https://stranger.example' }),
  }
}

function refusedVend(reply: Reply): Finding {
  const { subject } = problemAnswer.safeParse(reply.body).data ?? {}
  const said = `${reply.status} ${codeOf(reply)}`
  return subject === undefined
    ? bad('a vend', said, '`explain` says why, with the same token')
    : bad('a vend', `${said} for ${subject}`, `\`grant '${subject}' <connected_account_id>\``)
}
