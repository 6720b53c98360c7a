import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AwsEnvironment, type AwsService, endpointOf } from '../../../functions/aws/endpoint.ts'

const dynamoDb: AwsService = {
  name: 'dynamodb',
  target: '',
  contentType: '',
  endpointVariable: 'AWS_ENDPOINT_URL_DYNAMODB',
}
const secrets: AwsService = {
  ...dynamoDb,
  name: 'secretsmanager',
  endpointVariable: 'AWS_ENDPOINT_URL_SECRETS_MANAGER',
}
const role = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret', AWS_SESSION_TOKEN: 'session' }
const frankfurt = { ...role, AWS_REGION: 'eu-central-1' }
const hrefOf = (environment: AwsEnvironment, service = dynamoDb) => endpointOf(service, environment)?.href

/** Where the SDK, with nothing else set, sends a request. */
async function bySdk(region: string): Promise<string[]> {
  const sent: string[] = []
  const config = {
    region,
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
    maxAttempts: 1,
    requestHandler: {
      async handle({ protocol, hostname, port, path }: Address): Promise<never> {
        sent.push(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`)
        throw new Error('not sent')
      },
    },
  }
  await new DynamoDBClient(config).send(getItem).catch(() => {})
  await new SecretsManagerClient(config).send(getSecret).catch(() => {})
  return sent
}
interface Address {
  protocol: string
  hostname: string
  port?: number
  path: string
}
const getItem = new GetItemCommand({ TableName: 't', Key: {} })
const getSecret = new GetSecretValueCommand({ SecretId: 's' })

describe('the address of a service', () => {
  const commercial = [
    'af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2',
    'ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7',
    'ca-central-1 ca-west-1 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2',
    'eu-west-3 il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2',
  ].flatMap((line) => line.split(' '))
  const others = [
    'cn-north-1 cn-northwest-1 eusc-de-east-1 us-gov-east-1 us-gov-west-1 us-iso-east-1 us-iso-west-1',
    'us-isob-east-1 us-isob-west-1 eu-isoe-west-1 us-isof-east-1 us-isof-south-1 aws-global local',
  ].flatMap((line) => line.split(' '))

  it.each(commercial)('is the SDK’s own in %s', async (AWS_REGION) => {
    const environment = { ...role, AWS_REGION }
    const ours = [hrefOf(environment), hrefOf(environment, secrets)]
    expect(await bySdk(AWS_REGION)).toEqual(ours)
  })

  it.each(others)('is left to the SDK in %s', (AWS_REGION) => {
    const environment = { ...role, AWS_REGION }
    expect([hrefOf(environment), hrefOf(environment, secrets)]).toEqual([undefined, undefined])
  })

  it('is the SDK’s own, or left to it, in regions that are not known yet', async () => {
    const region = fc.stringMatching(
      /^(af|ap|ca|eu|il|me|mx|sa|us|cn|eusc|xx)-([a-z]{1,9}|iso[a-z]?-east)-\d\d?$/,
    )
    await fc.assert(
      fc.asyncProperty(region, async (AWS_REGION) => {
        const ours = hrefOf({ ...role, AWS_REGION })
        if (ours !== undefined) expect((await bySdk(AWS_REGION))[0]).toBe(ours)
      }),
      { numRuns: 100 },
    )
  })

  it.each([
    [
      'https://vpce-1.dynamodb.eu-central-1.vpce.amazonaws.com',
      'https://vpce-1.dynamodb.eu-central-1.vpce.amazonaws.com/',
    ],
    ['http://127.0.0.1:8000/', 'http://127.0.0.1:8000/'],
    ['http://[::1]:8000', 'http://[::1]:8000/'],
  ])('is what the variable of the service names: %s', (address, href) => {
    expect(hrefOf({ ...frankfurt, AWS_ENDPOINT_URL_DYNAMODB: address })).toBe(href)
    expect(hrefOf({ ...frankfurt, AWS_ENDPOINT_URL_SECRETS_MANAGER: address }, secrets)).toBe(href)
    expect(hrefOf({ ...frankfurt, AWS_ENDPOINT_URL_SECRETS_MANAGER: address })).toBe(
      'https://dynamodb.eu-central-1.amazonaws.com/',
    )
  })

  it.each([
    'https://proxy.example/dynamodb',
    'https://user:password@proxy.example',
    'https://proxy.example/?x',
    'unix:/tmp/socket',
    'localhost:8000',
    'nowhere',
    '',
  ])('is left to the SDK when its variable holds something else: %s', (address) => {
    expect(hrefOf({ ...frankfurt, AWS_ENDPOINT_URL_DYNAMODB: address })).toBeUndefined()
  })

  it.each([
    'AWS_ENDPOINT_URL',
    'AWS_USE_FIPS_ENDPOINT',
    'AWS_USE_DUALSTACK_ENDPOINT',
    'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
    'AWS_PROFILE',
    'AWS_CONFIG_FILE',
    'AWS_SHARED_CREDENTIALS_FILE',
    'AWS_ACCOUNT_ID',
    'AWS_ACCOUNT_ID_ENDPOINT_MODE',
    'AWS_CREDENTIAL_SCOPE',
    'AWS_AUTH_SCHEME_PREFERENCE',
    'AWS_SIGV4A_SIGNING_REGION_SET',
    'AWS_CONTAINER_CREDENTIALS_FULL_URI',
    'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
    'AWS_WEB_IDENTITY_TOKEN_FILE',
  ] as const)('is left to the SDK when %s is set, whatever to', (name) => {
    for (const value of ['true', 'false', '']) expect(hrefOf({ ...frankfurt, [name]: value })).toBeUndefined()
  })

  it.each(['AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'] as const)(
    'is left to the SDK without %s',
    (name) => {
      expect(hrefOf(frankfurt)).toBeDefined()
      expect(hrefOf({ ...frankfurt, [name]: undefined })).toBeUndefined()
      expect(hrefOf({ ...frankfurt, [name]: '' })).toBeUndefined()
    },
  )
})
