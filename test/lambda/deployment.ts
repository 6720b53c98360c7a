import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateTableCommand, type DynamoDB } from '@aws-sdk/client-dynamodb'
import type { Configuration } from '../../functions/config.ts'
import { readConfiguration } from '../../functions/config.ts'
import { localDynamoDbClient } from '../../infra/local/dynamodb.ts'
import { type LocalSeam, startSeam } from '../../infra/local/seam/workspace.ts'
import { startDynamoDb } from '../dynamodb.ts'
import { type FailingProvider, startFailingProvider } from '../identity-provider.ts'
import { type Aws, generatedSecrets, ofRoles, startAws } from './aws.ts'
import { startHttpApi } from './http-api.ts'
import { type LambdaFunction, lambdaFunction } from './lambda-function.ts'
import { type MayDo, permissionsOf } from './permissions.ts'
import { sdkAside } from './sdk-aside.ts'
import { region, synthesise, type Template } from './template.ts'
import { certificateFile, startTls } from './tls.ts'

export interface Deployment {
  configuration: Configuration
  template: Template
  /** Base URL of the HTTP API. */
  api: string
  /** By entry. */
  functions: Record<string, LambdaFunction>
  aws: Aws
  seam: LocalSeam
  identityProvider: FailingProvider
  /** Past the permissions, for the test itself. */
  table: { client: DynamoDB; tableName: string }
  /** Calls the API for a caller of the configured issuer, from a page; by default `POST /client-session`. */
  ask(sub: string, method?: string, headers?: Record<string, string>, path?: string): Promise<Answer>
  /** As the operator does once. */
  storeSecret(name: 'SeamApiKey' | 'WebhookSecrets', value: string): void
  /** Of all that the functions speak to: their open connections are never answered again. */
  goDeaf(): void
  /** Puts back the SDK that was left out. */
  putBackSdk(): void
  /** Everything secret that has passed: must stand in no log. */
  secrets: Set<string>
  close(): Promise<void>
}

export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: JSON that a test looks at.
  body: any
}

/**
 * `left out`: the code of the SDK is deleted from the functions that need none in normal life. `only`: everything goes
 * through it.
 */
export type SdkUse = 'left out' | 'only'
export const sdkUses: SdkUse[] = process.env.LONG === '1' ? ['left out', 'only'] : ['left out']

/**
 * What `cdk deploy` would make of this repository, on this machine: synthesised, unpacked, and run by AWS's own
 * runtime client with the settings, the permissions and the front door of the template.
 */
export async function deploy(sdk: SdkUse = 'left out'): Promise<Deployment> {
  const ends: (() => unknown)[] = []
  const close = async () => {
    for (const end of ends.splice(0).reverse()) await end()
  }
  try {
    return { ...(await start(sdk, ends)), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function start(sdk: SdkUse, ends: (() => unknown)[]): Promise<Omit<Deployment, 'close'>> {
  const folder = mkdtempSync(join(tmpdir(), 'deployment-'))
  ends.push(() => rmSync(folder, { recursive: true, force: true }))
  const ended = <T extends { close(): Promise<void> }>(part: T): T => {
    ends.push(() => part.close())
    return part
  }

  const dynamoDb = ended(await startDynamoDb())
  const seam = ended(await startSeam())
  const identityProvider = ended(await startFailingProvider())
  const seamTls = ended(await startTls(seam.url))
  const issuerTls = ended(await startTls(identityProvider.issuer))

  const configuration = readConfiguration({
    deployment: 'artifact',
    issuers: [
      {
        name: 'local',
        issuer: issuerTls.url,
        audiences: [identityProvider.audience],
        jwksUri: `${issuerTls.url}/jwks`,
        events: { audiences: ['page'], kinds: ['backchannel-logout', 'security-events'] },
      },
    ],
    allowedOrigins: ['https://app.example'],
    unknownSubjects: 'provision',
    seamEndpoint: seamTls.url,
  })
  const template = synthesise(configuration, join(folder, 'cdk.out'))

  const client = localDynamoDbClient(dynamoDb.endpoint)
  ends.push(() => client.destroy())
  const [[tableId]] = template.resources('AWS::DynamoDB::Table') as [[string, unknown]]
  const tableInput = template.tableInput(tableId)
  await client.send(new CreateTableCommand(tableInput))

  const roles = new Map<string, MayDo>()
  const aws = ended(await startAws(dynamoDb.endpoint, roles))
  const tableTls = ended(await startTls(aws.endpoint, { keepHost: true }))
  for (const [arn, value] of generatedSecrets(template)) aws.secrets.set(arn, value)

  const byId = new Map<string, LambdaFunction>()
  const putBack: (() => void)[] = []
  for (const [id, { Properties }] of template.resources('AWS::Lambda::Function')) {
    const accessKey = `AKIA${id.toUpperCase().replace(/\W/g, '')}`
    roles.set(accessKey, permissionsOf(template, Properties.Role['Fn::GetAtt'][0]))
    const unpacked = template.unpackAsset(id, folder)
    // Cleanup and the operator ask queries, which are the SDK's.
    if (sdk === 'left out' && !/Clean|Admin/.test(id)) putBack.push(sdkAside(unpacked))
    const own = Object.entries(Properties.Environment.Variables as Record<string, unknown>)
    byId.set(
      id,
      ended(
        lambdaFunction({
          name: id,
          arn: template.resolve({ 'Fn::GetAtt': [id, 'Arn'] }),
          folder: unpacked,
          handler: Properties.Handler,
          logging: {
            format: Properties.LoggingConfig.LogFormat,
            level: Properties.LoggingConfig.ApplicationLogLevel,
            group: template.resolve(Properties.LoggingConfig.LogGroup),
          },
          memory: Properties.MemorySize,
          timeout: Properties.Timeout * 1000,
          environment: {
            ...Object.fromEntries(own.map(([name, value]) => [name, template.resolve(value)])),
            AWS_REGION: region,
            AWS_ACCESS_KEY_ID: accessKey,
            AWS_SECRET_ACCESS_KEY: ofRoles.secretAccessKey,
            AWS_SESSION_TOKEN: ofRoles.sessionToken,
            AWS_ENDPOINT_URL_DYNAMODB: tableTls.url,
            AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.endpoint,
            NODE_EXTRA_CA_CERTS: certificateFile,
            ...(sdk === 'only' && { AWS_USE_FIPS_ENDPOINT: 'false' }),
          },
        }),
      ),
    )
  }
  const api = ended(await startHttpApi(template, byId))
  const secrets = new Set([seam.apiKey, ...aws.secrets.values()])

  return {
    configuration,
    template,
    api: api.url,
    functions: Object.fromEntries(
      [...byId.values()].map((it) => [it.settings.handler.replace('.handler', ''), it]),
    ),
    aws,
    seam,
    identityProvider,
    table: { client, tableName: tableInput.TableName ?? '' },
    secrets,
    goDeaf() {
      for (const tls of [tableTls, seamTls, issuerTls]) tls.goDeaf()
    },
    putBackSdk() {
      for (const put of putBack) put()
    },
    async ask(sub, method = 'POST', headers = {}, path = '/client-session') {
      const bearer = await identityProvider.sign({ iss: issuerTls.url, sub })
      secrets.add(bearer)
      const response = await fetch(`${api.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${bearer}`, origin: 'https://app.example', ...headers },
      })
      const text = await response.text()
      const body = text === '' ? {} : JSON.parse(text)
      if (body.token !== undefined) secrets.add(body.token)
      return { status: response.status, headers: response.headers, body }
    },
    storeSecret(name, value) {
      for (const [id] of template.resources('AWS::SecretsManager::Secret'))
        if (id.includes(name)) aws.secrets.set(template.resolve({ Ref: id }), value)
      secrets.add(value)
    },
  }
}
