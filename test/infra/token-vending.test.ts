import { Match, type Template } from 'aws-cdk-lib/assertions'
import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../../functions/config.ts'
import { times } from '../../functions/times.ts'
import { exampleConfiguration, ownConfiguration, resources, synthesised } from './stack.ts'

const template = synthesised()

function only(type: string) {
  const found = resources(template, type)
  expect(found).toHaveLength(1)
  return found[0]?.[1] as (typeof found)[number][1]
}

describe('the HTTP API', () => {
  it('has the routes that the vend function answers, and no other', () => {
    const routes = resources(template, 'AWS::ApiGatewayV2::Route').map(([, it]) => it.Properties.RouteKey)
    expect(routes.sort()).toEqual(['DELETE /client-session', 'GET /healthz', 'POST /client-session'])
    expect(only('AWS::ApiGatewayV2::Integration').Properties.PayloadFormatVersion).toBe('2.0')
  })

  it('answers preflights from the configured origins alone, without credentials', () => {
    const allowedOrigins = ['https://a.example', 'https://b.example:8443']
    const api = resources(
      synthesised({ configuration: { ...exampleConfiguration, allowedOrigins } }),
      'AWS::ApiGatewayV2::Api',
    )
    expect(api[0]?.[1].Properties.CorsConfiguration).toEqual({
      AllowOrigins: allowedOrigins,
      AllowMethods: ['POST', 'GET', 'DELETE'],
      AllowHeaders: ['authorization', 'content-type'],
      ExposeHeaders: ['retry-after', 'x-request-id', 'www-authenticate'],
      AllowCredentials: false,
      MaxAge: 3600,
    })
  })

  it('is throttled as the configuration says', () => {
    const limits = { requestsPerSecond: 7 }
    synthesised({ configuration: { ...exampleConfiguration, limits } }).hasResourceProperties(
      'AWS::ApiGatewayV2::Stage',
      { StageName: '$default', DefaultRouteSettings: { ThrottlingRateLimit: 7, ThrottlingBurstLimit: 14 } },
    )
  })

  it('keeps an access log that says nothing a caller has sent', () => {
    const { Format } = only('AWS::ApiGatewayV2::Stage').Properties.AccessLogSettings
    const variables = Object.values(JSON.parse(Format))
    expect(variables).not.toHaveLength(0)
    for (const variable of variables)
      expect(variable).toMatch(
        /^\$context\.(requestId|routeKey|status|responseLatency|integrationLatency|integrationStatus|error\.responseType|identity\.sourceIp)$/,
      )
  })
})

describe('the vend function', () => {
  const vend = only('AWS::Lambda::Function').Properties

  it('runs on Node 24 and arm64, and says in its environment where things are, not what they are', () => {
    expect(vend).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'], Handler: 'vend.handler' })
    expect(Object.keys(vend.Environment.Variables).sort()).toEqual([
      'SEALING_KEY_SECRET_ARN',
      'SEAM_API_KEY_SECRET_ARN',
      'TABLE_NAME',
    ])
    for (const value of Object.values(vend.Environment.Variables))
      expect(value).toEqual({ Ref: expect.any(String) })
  })

  it('is ended after its own deadline, and before its lease is over', () => {
    expect(vend.Timeout * 1000).toBeGreaterThan(times.vend)
    expect(vend.Timeout * 1000).toBeLessThan(times.lease)
  })

  it('logs JSON into a group that forgets', () => {
    expect(vend.LoggingConfig).toMatchObject({ LogFormat: 'JSON', LogGroup: { Ref: expect.any(String) } })
    for (const [, group] of resources(template, 'AWS::Logs::LogGroup'))
      expect(group.Properties.RetentionInDays).toBe(30)
  })

  it('has concurrency set aside only where that is asked for', () => {
    expect(vend).not.toHaveProperty('ReservedConcurrentExecutions')
    synthesised({ vendConcurrency: 20 }).hasResourceProperties('AWS::Lambda::Function', {
      ReservedConcurrentExecutions: 20,
    })
  })
})

describe('the table', () => {
  it('outlives the stack, can be restored, and costs at most what its maximum allows', () => {
    const { Properties, DeletionPolicy, UpdateReplacePolicy } = only('AWS::DynamoDB::Table')
    expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(['Retain', 'Retain'])
    const most = { MaxReadRequestUnits: 1000, MaxWriteRequestUnits: 1000 }
    expect(Properties).toMatchObject({
      BillingMode: 'PAY_PER_REQUEST',
      OnDemandThroughput: most,
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      SSESpecification: { SSEEnabled: true },
      TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
      KeySchema: [{ AttributeName: 'item', KeyType: 'HASH' }],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'due',
          KeySchema: [
            { AttributeName: 'due_shard', KeyType: 'HASH' },
            { AttributeName: 'due_at', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
          OnDemandThroughput: most,
        },
      ],
    })
  })
})

describe('the secrets', () => {
  it('are an API key for the operator to fill in and a sealing key that nobody has seen', () => {
    const secrets = resources(template, 'AWS::SecretsManager::Secret').map(([, { Properties }]) => Properties)
    expect(secrets).toHaveLength(2)
    for (const secret of secrets) expect(secret).not.toHaveProperty('SecretString')
    expect(secrets.filter((secret) => secret.GenerateSecretString === undefined)).toHaveLength(1)
    template.hasResource('AWS::SecretsManager::Secret', {
      Properties: {
        GenerateSecretString: {
          GenerateStringKey: 'current',
          SecretStringTemplate: '{}',
          PasswordLength: 64,
          ExcludePunctuation: true,
        },
      },
      DeletionPolicy: 'Retain',
    })
  })

  it('can be an API key that exists already', () => {
    const arn = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:seam-AbCdEf'
    const imported = synthesised({ seamApiKeySecretArn: arn })
    imported.resourceCountIs('AWS::SecretsManager::Secret', 1)
    imported.hasResourceProperties('AWS::Lambda::Function', {
      Environment: { Variables: { SEAM_API_KEY_SECRET_ARN: arn } },
    })
    imported.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: 'secretsmanager:GetSecretValue',
            Resource: Match.arrayWith([arn]),
          }),
        ]),
      },
    })
  })
})

describe('a stack that is not ready', () => {
  it('is refused by CloudFormation as long as it names the example issuer', () => {
    const rules = (it: Template) => JSON.stringify(it.toJSON().Rules)
    expect(rules(template)).toContain('https://issuer.example')
    expect(rules(synthesised({ configuration: ownConfiguration }))).not.toContain('issuer')
  })

  it('tells the endpoint and the next command', () => {
    const outputs = Object.values(template.findOutputs('*')).map(({ Value }) => Value)
    expect(outputs).toContainEqual({ 'Fn::GetAtt': [expect.any(String), 'ApiEndpoint'] })
    expect(outputs).toContain('npm run setup -- --stack token-vending-example')
  })
})

describe('a configuration that is insecure or cannot work', () => {
  const issuer = { name: 'one', issuer: 'https://one.example', audiences: ['api'] }
  it.each([
    ['no issuer', { issuers: [] }, /issuers: list at least one issuer/],
    ['no audience', { issuers: [{ ...issuer, audiences: [] }] }, /audiences: list at least one audience/],
    ['any origin', { allowedOrigins: ['*'] }, /allowedOrigins\[0\]: give an exact origin/],
    ['a page on one machine', { allowedOrigins: ['http://localhost:5173'] }, /allowLocalOrigins/],
    ['plain http', { issuers: [{ ...issuer, issuer: 'http://one.example' }] }, /issuer: give an https/],
    ['too short a lifetime', { clientSession: { lifetimeSeconds: 60 } }, /lifetimeSeconds: .* raise the/],
    ['two issuers of one name', { issuers: [issuer, { ...issuer, issuer: 'https://two.example' }] }, /name/],
  ])('stops the synthesis: %s', (_, change, sentence) => {
    const synthesis = () => synthesised({ configuration: { ...exampleConfiguration, ...change } })
    expect(synthesis).toThrow(ConfigurationError)
    expect(synthesis).toThrow(sentence)
  })

  it('allows pages on a developer’s machine where a stage says so', () => {
    const allowedOrigins = ['http://localhost:5173']
    const configuration = { ...exampleConfiguration, allowedOrigins }
    synthesised({ configuration, allowLocalOrigins: true }).hasResourceProperties('AWS::ApiGatewayV2::Api', {
      CorsConfiguration: { AllowOrigins: allowedOrigins },
    })
  })
})
