import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { createServer } from 'node:tls'
import { type Configuration, readConfiguration } from '../../functions/config.ts'
import { createTable, localDynamoDbClient } from '../../infra/local/dynamodb.ts'
import { type DynamoDbFaults, startDynamoDbFaults } from '../../infra/local/dynamodb-faults.ts'
import { type IdentityProvider, startIdentityProvider } from '../../infra/local/identity-provider.ts'
import type { Fault } from '../../infra/local/seam/faults.ts'
import { type LocalSeam, startSeam } from '../../infra/local/seam/workspace.ts'
import { startDynamoDb } from '../dynamodb.ts'
import { startAws } from '../lambda/aws.ts'
import { account, region } from '../lambda/template.ts'
import { certificateFile, startTls } from '../lambda/tls.ts'

/** Milliseconds that Seam takes for each client session: what the issue supposes. */
export const seamLatency = 100

/** What every contender meets: one table, one Seam, one identity provider, each behind TLS. */
export interface BenchWorld {
  configuration: Configuration
  /** The same, with a client session for each login. */
  perLogin: Configuration
  seam: LocalSeam
  identityProvider: IdentityProvider
  /** Counts what arrives at the table, on the way that `environment({ counted: true })` names. */
  counted: DynamoDbFaults
  environment: (how?: { counted?: boolean }) => Record<string, string>
  /** What Seam does, besides taking its time. */
  failing: (fault?: Fault) => void
  token: (sub: string, claims?: { sid: string }) => Promise<string>
  close: () => Promise<void>
}

export async function startBenchWorld(): Promise<BenchWorld> {
  const engine = await startDynamoDb()
  const counted = await startDynamoDbFaults({ endpoint: engine.endpoint })
  const seam = await startSeam()
  const identityProvider = await startIdentityProvider()
  const everything = new Map([['AKIABENCH', () => true]])
  const aws = await startAws(engine.endpoint, everything)
  // Seam and the identity provider insist on their own names; the engine and AWS hear the one that was signed.
  const behindTls = await Promise.all([
    tlsBefore(engine.endpoint),
    ...[counted.endpoint, seam.url, identityProvider.issuer].map((url) => startTls(url)),
    tlsBefore(aws.endpoint),
  ])
  const [table, countedTable, seamTls, issuerTls, secrets] = behindTls.map(({ url }) => url) as [
    string,
    string,
    string,
    string,
    string,
  ]
  const client = localDynamoDbClient(engine.endpoint)
  const tableName = 'bench'
  await createTable(client, tableName)
  client.destroy()
  const path = '/client_sessions/get_or_create'
  const failing: BenchWorld['failing'] = (fault) =>
    seam.faults.plan({ faults: [fault ?? { kind: 'delay', delay_ms: seamLatency, path }] })
  failing()

  const arn = (name: string) => `arn:aws:secretsmanager:${region}:${account}:secret:${name}-AbCdEf`
  aws.secrets.set(arn('seam'), seam.apiKey)
  aws.secrets.set(arn('sealing'), JSON.stringify({ current: randomUUID() }))

  const sealingKey = randomBytes(32).toString('base64')
  const { audience } = identityProvider
  const issuer = { name: 'local', issuer: issuerTls, audiences: [audience], jwksUri: `${issuerTls}/jwks` }
  const configured = (more: { sessionClaim?: string }) =>
    readConfiguration({
      deployment: 'bench',
      issuers: [{ ...issuer, ...more }],
      allowedOrigins: ['https://app.example'],
      unknownSubjects: 'provision',
      limits: { newUsersPerHour: 1_000_000 },
      seamEndpoint: seamTls,
    })
  return {
    configuration: configured({}),
    perLogin: configured({ sessionClaim: '/sid' }),
    failing,
    seam,
    identityProvider,
    counted,
    environment: (how = {}) => ({
      // Ours.
      TABLE_NAME: tableName,
      SEAM_API_KEY_SECRET_ARN: arn('seam'),
      SEALING_KEY_SECRET_ARN: arn('sealing'),
      // The peers', who keep the API key where teams keep it: that saves them a call at the start.
      SEAM_API_KEY: seam.apiKey,
      SEALING_KEY: sealingKey,
      SEAM_ENDPOINT: seamTls,
      ISSUER: issuerTls,
      AUDIENCE: audience,
      JWKS_URI: `${issuerTls}/jwks`,
      NODE_ENV: 'production',
      // Lambda's.
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: 'AKIABENCH',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_SESSION_TOKEN: 'session',
      AWS_ENDPOINT_URL_DYNAMODB: how.counted ? countedTable : table,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets,
      // The certificate is nobody's. NODE_EXTRA_CA_CERTS would slow the first handshake, and differently for each.
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
      NODE_NO_WARNINGS: '1',
    }),
    token: (sub, claims) => identityProvider.sign({ iss: issuerTls, sub, ...claims }),
    async close() {
      await Promise.all(behindTls.map(({ close }) => close()))
      await Promise.all([counted.close(), seam.close(), identityProvider.close(), aws.close()])
      await engine.close()
    },
  }
}

/** TLS in front of a local server, bytes as they come: parsing HTTP here would be measured too. */
async function tlsBefore(target: string): Promise<{ url: string; close: () => Promise<void> }> {
  const pem = readFileSync(certificateFile)
  const { hostname, port } = new URL(target)
  const server = createServer({ key: pem, cert: pem, noDelay: true }, (secure) => {
    const plain = connect({ host: hostname, port: Number(port), noDelay: true })
    secure.pipe(plain).pipe(secure)
    secure.on('error', () => plain.destroy())
    plain.on('error', () => secure.destroy())
  })
  const sockets = new Set<{ destroy: () => void }>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve))
  const address = server.address()
  const own = typeof address === 'object' ? address?.port : undefined
  return {
    url: `https://localhost:${own}`,
    close: async () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
