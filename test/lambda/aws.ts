import { randomBytes } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { listen, stopListening } from '../loopback.ts'
import type { MayDo } from './permissions.ts'
import { account, region, type Template } from './template.ts'

export interface Aws {
  /** For DynamoDB and Secrets Manager. */
  endpoint: string
  /** Calls by action, such as `dynamodb:GetItem`; also those that were denied. */
  counts: Record<string, number>
  denied: string[]
  /** How many were not made by the SDK. */
  withoutSdk: number
  /** By ARN; absent: no value yet. May be changed at any time. */
  secrets: Map<string, string>
  /** Breaks the connection of this many more requests. */
  resets: number
  /** Called before a request is passed on. */
  onRequest: (action: string) => void
  close(): Promise<void>
}

/** What comes with the access key of each role. */
export const ofRoles = { secretAccessKey: 'secret', sessionToken: 'session' }

/**
 * AWS, as far as the functions see it: a DynamoDB engine behind the permissions of the template, and secrets.
 * @param roles what the holder of an access key may do
 */
export async function startAws(dynamoDb: string, roles: Map<string, MayDo>): Promise<Aws> {
  const server = createServer(async (request, response) => {
    const body = await text(request)
    if (aws.resets > 0) {
      aws.resets--
      response.destroy()
      return
    }
    const answer = await answerTo(request.headers, body)
    response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.0' }).end(answer.body)
  })

  async function answerTo(
    headers: IncomingHttpHeaders,
    body: string,
  ): Promise<{ status: number; body: string }> {
    const [service = '', operation = ''] = String(headers['x-amz-target']).split('.')
    const input = JSON.parse(body)
    const prefix = service.startsWith('DynamoDB') ? 'dynamodb' : service
    const action = `${prefix}:${operation}`
    aws.counts[action] = (aws.counts[action] ?? 0) + 1
    if (headers['amz-sdk-invocation-id'] === undefined) aws.withoutSdk++
    aws.onRequest(action)

    const key = await accessKeyOf(headers, prefix, body)
    const mayDo = key === undefined ? undefined : roles.get(key)
    if (mayDo === undefined) return refusal('UnrecognizedClientException')
    if (!mayDo({ action, ...subjectOf(prefix, input) })) {
      aws.denied.push(`${action} ${JSON.stringify(subjectOf(prefix, input))}`)
      return refusal('AccessDeniedException')
    }
    if (prefix === 'dynamodb') return passOn(dynamoDb, headers, body)
    const SecretString = aws.secrets.get(input.SecretId)
    return SecretString === undefined
      ? refusal('ResourceNotFoundException')
      : { status: 200, body: JSON.stringify({ ARN: input.SecretId, SecretString }) }
  }

  const aws: Aws = {
    endpoint: await listen(server, 0, 'AWS'),
    counts: {},
    denied: [],
    withoutSdk: 0,
    resets: 0,
    secrets: new Map(),
    onRequest: () => {},
    close: () => stopListening(server),
  }
  return aws
}

/** The key that signed, if the signature is right for this service and region, and comes with the role's session token. */
async function accessKeyOf(
  headers: IncomingHttpHeaders,
  service: string,
  body: string,
): Promise<string | undefined> {
  const { authorization = '', host = '', 'x-amz-date': date } = headers
  const [, accessKeyId = '', list = ''] =
    /^AWS4-HMAC-SHA256 Credential=(\w+)\/.*, SignedHeaders=([^,]+), Signature=/.exec(authorization) ?? []
  const names = list.split(';')
  const needed = ['content-type', 'host', 'x-amz-date', 'x-amz-security-token', 'x-amz-target']
  if (!needed.every((name) => names.includes(name))) return undefined
  const credentials = { accessKeyId, ...ofRoles }
  const { config } = new DynamoDBClient({ region, credentials })
  const scheme = { name: 'sigv4', signingName: service, signingRegion: region, properties: {} }
  const signer = await config.signer(scheme)
  const claimed = Object.fromEntries(names.map((name) => [name, String(headers[name])]))
  const request = { protocol: 'https:', hostname: host, path: '/', query: {}, method: 'POST', body }
  const { headers: ours } = await signer.sign(
    { ...request, headers: claimed },
    {
      signingDate: new Date(String(date).replace(/^(....)(..)(..T..)(..)/, '$1-$2-$3:$4:')),
      // The SDK adds it on its own account.
      ...(!names.includes('x-amz-content-sha256') && {
        unsignableHeaders: new Set(['x-amz-content-sha256']),
      }),
    },
  )
  return ours.authorization === authorization ? accessKeyId : undefined
}

function subjectOf(service: string, input: Record<string, unknown>) {
  if (service !== 'dynamodb') return { resource: String(input.SecretId) }
  const { TableName, IndexName, Key, Item } = input as {
    TableName: string
    IndexName?: string
    Key?: { item: { S: string } }
    Item?: { item: { S: string } }
  }
  const table = `arn:aws:dynamodb:${region}:${account}:table/${TableName}`
  const leadingKey = (Key ?? Item)?.item.S
  return {
    resource: IndexName === undefined ? table : `${table}/index/${IndexName}`,
    ...(leadingKey !== undefined && { leadingKey }),
  }
}

async function passOn(endpoint: string, headers: IncomingHttpHeaders, body: string) {
  const passed = ['x-amz-target', 'x-amz-date', 'content-type', 'authorization']
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: Object.fromEntries(passed.map((name) => [name, String(headers[name])])),
    body,
  })
  return { status: answer.status, body: await answer.text() }
}

const refusal = (name: string) => ({
  status: 400,
  body: JSON.stringify({ __type: `aws#${name}`, message: name }),
})

/** The secrets as CloudFormation makes them: generated ones have a value, others wait for the operator. */
export function generatedSecrets(template: Template): Map<string, string> {
  return new Map(
    template.resources('AWS::SecretsManager::Secret').flatMap(([id, { Properties }]) => {
      const { GenerateSecretString: how } = Properties
      if (how === undefined) return []
      const random = randomBytes(how.PasswordLength).toString('hex').slice(0, how.PasswordLength)
      const value = { ...JSON.parse(how.SecretStringTemplate), [how.GenerateStringKey]: random }
      return [[template.resolve({ Ref: id }), JSON.stringify(value)]]
    }),
  )
}
