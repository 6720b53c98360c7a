import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { createServer } from 'node:tls'
import { ownerOf } from '../../functions/caller/owner.ts'
import { readConfiguration } from '../../functions/config.ts'
import { vendingTable } from '../../functions/table/table.ts'
import { createTable, localDynamoDbClient } from '../../infra/local/dynamodb.ts'
import { startIdentityProvider } from '../../infra/local/identity-provider.ts'
import type { Fault } from '../../infra/local/seam/faults.ts'
import { startSeam } from '../../infra/local/seam/workspace.ts'
import { startDynamoDb } from '../dynamodb.ts'
import { startAws } from '../lambda/aws.ts'
import { account, region } from '../lambda/template.ts'
import { certificateFile, startTls } from '../lambda/tls.ts'
import { sum } from './statistics.ts'

/** Milliseconds that Seam takes for each client session: a guess. */
export const seamLatency = 100
export const sessionPath = '/client_sessions/get_or_create'

export type BenchWorld = Awaited<ReturnType<typeof startBenchWorld>>

/** What every contender meets: one table, one Seam, one identity provider, each behind TLS. */
export async function startBenchWorld() {
  const engine = await startDynamoDb()
  const seam = await startSeam()
  const identityProvider = await startIdentityProvider()
  const aws = await startAws(engine.endpoint, new Map([['AKIABENCH', () => true]]))
  aws.secrets.set(arns.seam, seam.apiKey)
  aws.secrets.set(arns.sealing, JSON.stringify({ current: randomUUID() }))
  // Seam and the identity provider insist on their own names; the engine and AWS hear the one that was signed.
  const tls = {
    table: await tlsBefore(engine.endpoint),
    secrets: await tlsBefore(aws.endpoint),
    seam: await startTls(seam.url),
    issuer: await startTls(identityProvider.issuer),
  }
  const client = localDynamoDbClient(engine.endpoint)
  await createTable(client, tableName)
  const failing = (fault: Fault = { kind: 'delay', delay_ms: seamLatency, path: sessionPath }) =>
    seam.faults.plan({ faults: [fault] })
  failing()
  const { audience } = identityProvider
  const iss = tls.issuer.url
  return {
    configuration: configured({ iss, audience, seamEndpoint: tls.seam.url }),
    /** The same, with a client session for each login. */
    perLogin: configured({ iss, audience, seamEndpoint: tls.seam.url, sessionClaim: '/sid' }),
    /** What Seam does; without a fault it takes its time. */
    failing,
    callsAtSeam: () => sum(Object.values(seam.counts).map(({ received }) => received)),
    sessionsAtSeam: () => seam.counts[sessionPath]?.received ?? 0,
    table: vendingTable({ client, tableName }),
    /** Without TLS. */
    plainTable: engine.endpoint,
    environment: {
      ...lambdaEnvironment,
      AWS_ENDPOINT_URL_DYNAMODB: tls.table.url,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: tls.secrets.url,
      SEAM_API_KEY: seam.apiKey,
      SEAM_ENDPOINT: tls.seam.url,
      ISSUER: iss,
      AUDIENCE: audience,
      JWKS_URI: `${iss}/jwks`,
    },
    subject(sub: string) {
      const subject = `local|${sub}`
      return { owner: ownerOf(subject), subject, iss, sub }
    },
    token: (sub: string, claims?: { sid?: string }) => identityProvider.sign({ iss, sub, ...claims }),
    async close() {
      client.destroy()
      for (const each of [...Object.values(tls), seam, identityProvider, aws, engine]) await each.close()
    },
  }
}

const tableName = 'bench'
const arn = (name: string) => `arn:aws:secretsmanager:${region}:${account}:secret:${name}-AbCdEf`
const arns = { seam: arn('seam'), sealing: arn('sealing') }

const lambdaEnvironment = {
  NODE_ENV: 'production',
  AWS_REGION: region,
  AWS_ACCESS_KEY_ID: 'AKIABENCH',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_SESSION_TOKEN: 'session',
  TABLE_NAME: tableName,
  SEAM_API_KEY_SECRET_ARN: arns.seam,
  SEALING_KEY_SECRET_ARN: arns.sealing,
  // The peers', who keep their keys where teams keep them: that saves them a call at the start.
  SEALING_KEY: randomBytes(32).toString('base64'),
  // The certificate is nobody's. NODE_EXTRA_CA_CERTS would slow the first handshake, and differently for each.
  NODE_TLS_REJECT_UNAUTHORIZED: '0',
  NODE_NO_WARNINGS: '1',
}

function configured(of: { iss: string; audience: string; seamEndpoint: string; sessionClaim?: string }) {
  const { iss, audience, seamEndpoint, sessionClaim } = of
  const issuer = { name: 'local', issuer: iss, audiences: [audience], jwksUri: `${iss}/jwks`, sessionClaim }
  return readConfiguration({
    deployment: 'bench',
    issuers: [issuer],
    allowedOrigins: ['https://app.example'],
    unknownSubjects: 'provision',
    limits: { newUsersPerHour: 1_000_000 },
    seamEndpoint,
  })
}

/** TLS in front of a local server, bytes as they come: parsing HTTP here would be measured too. */
async function tlsBefore(target: string) {
  const pem = readFileSync(certificateFile)
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  const server = createServer({ key: pem, cert: pem, noDelay: true }, (secure) => {
    const plain = connect({ host: hostname, port: Number(port), noDelay: true })
    secure.pipe(plain).pipe(secure)
    secure.on('error', () => plain.destroy())
    plain.on('error', () => secure.destroy())
  })
  server.on('connection', (socket) => sockets.add(socket))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
