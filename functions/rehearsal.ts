import { generateKeyPairSync, sign } from 'node:crypto'
import type { LambdaContext } from 'hono/aws-lambda'
import { handle } from 'hono/aws-lambda'
import type { Configuration, Issuer } from './config.ts'
import { deadlineIn } from './deadline.ts'
import { vendingMachine, type Worlds } from './machine.ts'
import type { Times } from './times.ts'
import { commit, newUser, type User } from './user.ts'

/**
 * One made-up request through the real path, while Lambda starts a process: nobody waits yet, and the CPU is not
 * limited by the function's memory. Code is loaded and compiled, the connection to the table and its TLS session
 * stand, the sealing key is in hand; measured, it is what the first caller of a process feels most.
 *
 * Why it is safe: it is a vending machine of its own, that no request reaches, and the only one that knows the
 * made-up issuer; the issuer's private key is made here and forgotten with this call. Its edges can read one
 * reserved item of the table and the sealing key. Whatever else is tried, is refused before it leaves the process.
 */
export async function rehearse(
  configuration: Configuration,
  times: Times,
  worlds: Omit<Worlds, 'log' | 'requestId'>,
): Promise<Rehearsed> {
  const { table, seal, clock } = worlds
  const now = clock()
  const { issuer, keys, token } = madeUpIssuer(now)
  const whose = { client_session_id: madeUp, owner: madeUp, user_identifier_key: madeUp }
  const sealed_token = await seal.seal(madeUp, whose, deadlineIn(times.secrets, clock))
  const user = madeUpUser(configuration, now, sealed_token)

  const { app } = vendingMachine({ ...configuration, issuers: [issuer], unknownSubjects: 'reject' }, times, {
    ...worlds,
    table: {
      ...refusing(table),
      async readUser() {
        // No owner has this name: a real one is a hash of 22 characters. The one request that leaves.
        await table.readUser(madeUp)
        return user
      },
      readKeySet: async () => ({ issuer: issuer.issuer, keys, fetched_at: now }),
      readSettings: async () => ({ workspace_id: madeUp, key_prefix: madeUp }),
    },
    seam: refusing(worlds.seam),
    fetch: refuse,
    log: () => {},
    requestId: () => madeUp,
  })
  const { statusCode } = await handle(app)(request(token), {} as LambdaContext)
  return { status: statusCode, token }
}

/** For the tests: 200 when the whole path was taken, and a token that must open nothing. */
export interface Rehearsed {
  status: number
  token: string
}

const madeUp = 'rehearsal'
/** RFC 2606 §2: nobody can own it, so nobody can be configured as this issuer either. */
const madeUpAddress = 'https://rehearsal.invalid'

function madeUpIssuer(now: number) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issuer: Issuer = {
    name: madeUp,
    issuer: madeUpAddress,
    audiences: [madeUp],
    algorithms: ['ES256'],
    clockToleranceSeconds: 0,
    audienceClaim: '/aud',
    subjectClaim: '/sub',
    claimRules: [],
  }
  const seconds = Math.floor(now / 1000)
  const claims = { iss: madeUpAddress, aud: madeUp, sub: madeUp, iat: seconds, exp: seconds + 60 }
  const parts = [{ alg: 'ES256', kid: madeUp }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  )
  const input = parts.join('.')
  const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return {
    issuer,
    keys: [{ ...publicKey.export({ format: 'jwk' }), kid: madeUp, alg: 'ES256', use: 'sig' }],
    token: `${input}.${signature.toString('base64url')}`,
  }
}

/** Somebody whose client session is live, so that the verdict is `reuse`: the path of nearly all requests. */
function madeUpUser(configuration: Configuration, now: number, sealed_token: string): User {
  const who = { owner: madeUp, subject: `${madeUp}|${madeUp}`, iss: madeUpAddress, sub: madeUp }
  const { generation, clientSession } = configuration
  const session = {
    client_session_id: madeUp,
    sealed_token,
    created_at: now,
    expires_at: now + clientSession.lifetimeSeconds * 1000,
    account_ids: [],
  }
  return commit({ ...newUser(who, now), generation, user_identifier_key: madeUp }, session)
}

/** The same edge with every call refused. */
function refusing<Edge extends object>(edge: Edge): Edge {
  return Object.fromEntries(Object.keys(edge).map((name) => [name, refuse])) as Edge
}

function refuse(): Promise<never> {
  return Promise.reject(new Error('a rehearsal changes nothing'))
}

/** As an HTTP API sends it, payload format 2.0. */
function request(token: string): Parameters<ReturnType<typeof handle>>[0] {
  const path = '/client-session'
  return {
    version: '2.0',
    routeKey: `POST ${path}`,
    rawPath: path,
    rawQueryString: '',
    cookies: [],
    headers: { authorization: `Bearer ${token}`, host: 'rehearsal.invalid' },
    body: null,
    isBase64Encoded: false,
    requestContext: {
      accountId: madeUp,
      apiId: madeUp,
      authentication: null,
      authorizer: {},
      domainName: 'rehearsal.invalid',
      domainPrefix: madeUp,
      http: { method: 'POST', path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: madeUp },
      requestId: madeUp,
      routeKey: `POST ${path}`,
      stage: '$default',
      time: '',
      timeEpoch: 0,
    },
  }
}
