import { readFileSync } from 'node:fs'
import { App, Stack } from 'aws-cdk-lib'
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { describe, expect, it } from 'vitest'
import {
  type ConnectAppDeps,
  connectApp,
  type IdentityEventsAppDeps,
  identityEventsApp,
  type VendAppDeps,
  vendingApp,
  type WebhookAppDeps,
  webhookApp,
} from '../../../functions/app.ts'
import { ConfigurationError, readConfiguration } from '../../../functions/config.ts'
import { configurationHash } from '../../../functions/http/health.ts'
import { openApiDocument } from '../../../functions/http/openapi.ts'
import { cleanupTime, times } from '../../../functions/times.ts'
import { Api } from '../../../infra/stack/api.ts'
import { TokenVending } from '../../../infra/stack/token-vending.ts'
import { context, exampleConfiguration, ownConfiguration, resources, synthesised } from './stack.ts'

const template = synthesised()

function only(type: string) {
  const found = resources(template, type)
  expect(found).toHaveLength(1)
  return found[0]?.[1] as (typeof found)[number][1]
}

function lambda(entry: string) {
  const handlers = resources(template, 'AWS::Lambda::Function').map(([, { Properties }]) => Properties)
  return handlers.find(({ Handler }) => Handler === `${entry}.handler`)
}

describe('the HTTP API', () => {
  it('has the routes that the functions answer and the OpenAPI document describes, and no other', () => {
    const { Resources } = template.toJSON()
    const routes = resources(template, 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => {
      const [, integration] = Properties.Target['Fn::Join'][1]
      const { IntegrationUri, PayloadFormatVersion } = Resources[integration.Ref].Properties
      expect(PayloadFormatVersion).toBe('2.0')
      return `${Properties.RouteKey} → ${Resources[IntegrationUri['Fn::GetAtt'][0]].Properties.Handler}`
    })
    // Nothing is asked of them here, so they need nothing behind them.
    const configuration = readConfiguration(exampleConfiguration)
    const deps = { configuration } as VendAppDeps & ConnectAppDeps & WebhookAppDeps & IdentityEventsAppDeps
    const apps = {
      vend: vendingApp(deps),
      connect: connectApp(deps),
      webhook: webhookApp(deps),
      'identity-events': identityEventsApp(deps),
    }
    const answered = Object.entries(apps).flatMap(([entry, app]) =>
      app.routes
        .filter(({ method }) => method !== 'ALL')
        .map(({ method, path }) => `${method} ${path.replace(/:(\w+).*/, '{$1}')} → ${entry}.handler`),
    )
    expect(answered).toContain('POST /client-session → vend.handler')
    expect(routes.sort()).toEqual(answered.sort())
    const described = Object.entries(openApiDocument().paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(described.sort()).toEqual(answered.map((route) => route.split(' → ')[0]))
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
      ExposeHeaders: ['retry-after', 'x-request-id', 'www-authenticate', 'x-amzn-remapped-www-authenticate'],
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
  const vend = lambda('vend')

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
    template.hasResourceProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 })
  })

  it('has concurrency set aside only where that is asked for', () => {
    expect(vend).not.toHaveProperty('ReservedConcurrentExecutions')
    synthesised({ vendConcurrency: 20 }).hasResourceProperties('AWS::Lambda::Function', {
      ReservedConcurrentExecutions: 20,
    })
  })
})

describe('the cleanup function', () => {
  it.each([1, 5, 60])('runs every %i minutes, and each run ends before the next', (everyMinutes) => {
    const stack = synthesised({ configuration: { ...exampleConfiguration, cleanup: { everyMinutes } } })
    const rate = everyMinutes === 1 ? '1 minute' : everyMinutes === 60 ? '1 hour' : `${everyMinutes} minutes`
    stack.hasResourceProperties('AWS::Scheduler::Schedule', { ScheduleExpression: `rate(${rate})` })
    const run = cleanupTime(everyMinutes, times) / 1000
    const [timeout] = resources(stack, 'AWS::Lambda::Function')
      .filter(([, { Properties }]) => Properties.Handler === 'cleanup.handler')
      .map(([, { Properties }]) => Properties.Timeout)
    expect(timeout).toBeGreaterThan(run)
    expect(timeout).toBeLessThan(everyMinutes * 60)
  })

  it.each(['cleanup', 'identity-events'])('and %s have no business with the tokens in the table', (entry) => {
    const names = Object.keys(lambda(entry).Environment.Variables)
    expect(names.sort()).toEqual(['SEAM_API_KEY_SECRET_ARN', 'TABLE_NAME'])
  })
})

describe('the admin function', () => {
  it('has time for a whole command', () => {
    expect(lambda('admin').Timeout * 1000).toBeGreaterThan(times.admin)
  })

  it.each(['admin', 'connect', 'webhook', 'identity-events'])(
    'and who else may name subjects writes an audit log, kept for 400 days: %s',
    (entry) => {
      const { LogGroup } = lambda(entry).LoggingConfig
      expect(template.toJSON().Resources[LogGroup.Ref].Properties.RetentionInDays).toBe(400)
    },
  )

  it('can be used by whom the stack’s owner lets', () => {
    const app = new App({ context: { ...context, 'aws:cdk:bundling-stacks': [] } })
    const stack = new Stack(app, 'backend')
    const machine = new TokenVending(stack, 'TokenVending', { configuration: exampleConfiguration })
    machine.grantAdmin(
      new Role(stack, 'Backend', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') }),
    )
    Template.fromStack(stack).hasResourceProperties('AWS::IAM::Policy', {
      Roles: [{ Ref: Match.stringLikeRegexp('^Backend') }],
      PolicyDocument: { Statement: [Match.objectLike({ Action: 'lambda:InvokeFunction' })] },
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
  it('are what the operator fills in, and a sealing key that nobody has seen', () => {
    const secrets = resources(template, 'AWS::SecretsManager::Secret').map(([, { Properties }]) => Properties)
    expect(secrets).toHaveLength(3)
    for (const secret of secrets) expect(secret).not.toHaveProperty('SecretString')
    expect(secrets.filter((secret) => secret.GenerateSecretString === undefined)).toHaveLength(2)
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
    imported.resourceCountIs('AWS::SecretsManager::Secret', 2)
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

/** The value of one output, undefined when there is none. */
function outputOf(it: Template, name: string) {
  const found = Object.entries(it.findOutputs('*')).find(([key]) => key.startsWith(`TokenVending${name}`))
  return found?.[1].Value
}

describe('a domain of one’s own', () => {
  const domain = {
    name: 'doors.acme.example',
    certificateArn: 'arn:aws:acm:eu-central-1:111122223333:certificate/0a1b',
  }

  it('is where the outputs lead, while the generated address stays', () => {
    const stack = synthesised({ domain: { ...domain, hostedZoneId: 'Z0123' } })
    expect(outputOf(stack, 'Endpoint')).toBe('https://doors.acme.example')
    stack.hasResourceProperties('AWS::ApiGatewayV2::DomainName', {
      DomainName: domain.name,
      DomainNameConfigurations: [
        { CertificateArn: domain.certificateArn, EndpointType: 'REGIONAL', SecurityPolicy: 'TLS_1_2' },
      ],
    })
    const [[domainId] = []] = resources(stack, 'AWS::ApiGatewayV2::DomainName')
    const [[apiId, api] = []] = resources(stack, 'AWS::ApiGatewayV2::Api')
    expect(api?.Properties.DisableExecuteApiEndpoint).not.toBe(true)
    stack.hasResourceProperties('AWS::ApiGatewayV2::ApiMapping', {
      ApiId: { Ref: apiId },
      DomainName: { Ref: domainId },
    })
    stack.hasResourceProperties('AWS::Route53::RecordSet', {
      HostedZoneId: 'Z0123',
      Name: domain.name,
      Type: 'A',
      AliasTarget: { DNSName: { 'Fn::GetAtt': [domainId, 'RegionalDomainName'] } },
    })
  })

  it('without a zone says what its record must lead to; switched off, the generated address is nowhere', () => {
    const stack = synthesised({ domain: { ...domain, disableGenerated: true } })
    stack.resourceCountIs('AWS::Route53::RecordSet', 0)
    const [[domainId] = []] = resources(stack, 'AWS::ApiGatewayV2::DomainName')
    expect(outputOf(stack, 'RegionalDomainName')).toEqual({
      'Fn::GetAtt': [domainId, 'RegionalDomainName'],
    })
    expect(outputOf(stack, 'RegionalHostedZoneId')).toEqual({
      'Fn::GetAtt': [domainId, 'RegionalHostedZoneId'],
    })
    stack.hasResourceProperties('AWS::ApiGatewayV2::Api', { DisableExecuteApiEndpoint: true })
    expect(JSON.stringify(stack.toJSON().Outputs)).not.toMatch(/execute-api|ApiEndpoint/)
  })
})

describe('what an earlier stack has left', () => {
  const tableArn = 'arn:aws:dynamodb:eu-central-1:111122223333:table/kept'
  const sealingKeySecretArn = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:sealing-AbCdEf'
  const stack = synthesised({
    existing: { tableArn, sealingKeySecretArn, auditLogGroups: ['kept-admin', 'kept-webhook'] },
  })

  it('takes the place of what would be made', () => {
    stack.resourceCountIs('AWS::DynamoDB::Table', 0)
    stack.resourceCountIs('AWS::SecretsManager::Secret', 2)
    for (const [, { Properties }] of resources(stack, 'AWS::Lambda::Function')) {
      const { TABLE_NAME, SEALING_KEY_SECRET_ARN = sealingKeySecretArn } = Properties.Environment.Variables
      expect([TABLE_NAME, SEALING_KEY_SECRET_ARN]).toEqual(['kept', sealingKeySecretArn])
    }
    expect(outputOf(stack, 'Table')).toBe('kept')
    expect(JSON.stringify(outputOf(stack, 'AuditLogGroups'))).toContain('"kept-admin,kept-webhook"')
  })

  it('may be used as what was made would be', () => {
    const statements = resources(stack, 'AWS::IAM::Policy').flatMap(
      ([, { Properties }]) => Properties.PolicyDocument.Statement,
    )
    const resourcesOf = (service: string) =>
      statements
        .filter(({ Action }) => JSON.stringify(Action).includes(`${service}:`))
        .map(({ Resource }) => JSON.stringify(Resource))
    for (const resource of resourcesOf('dynamodb')) expect(resource).toContain(tableArn)
    expect(resourcesOf('dynamodb')).toContain(JSON.stringify(`${tableArn}/index/due`))
    expect(resourcesOf('secretsmanager').filter((it) => it.includes(sealingKeySecretArn))).toHaveLength(4)
  })
})

describe('a key of one’s own', () => {
  const encryptionKeyArn = 'arn:aws:kms:eu-central-1:111122223333:key/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0'
  const seamApiKeySecretArn = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:seam-AbCdEf'
  const mayUse = (stack: Template, action: string, key: string) =>
    resources(stack, 'AWS::IAM::Policy').filter(([, { Properties }]) =>
      Properties.PolicyDocument.Statement.some(
        (it: { Action: string | string[]; Resource: unknown }) =>
          it.Action.includes(action) && it.Resource === key,
      ),
    ).length

  it('encrypts table, secrets and every log group, and each function may use it', () => {
    const stack = synthesised({ encryptionKeyArn, seamApiKeySecretArn })
    stack.hasResourceProperties('AWS::DynamoDB::Table', {
      SSESpecification: { KMSMasterKeyId: encryptionKeyArn, SSEEnabled: true, SSEType: 'KMS' },
    })
    for (const type of ['AWS::SecretsManager::Secret', 'AWS::Logs::LogGroup'])
      for (const [, { Properties }] of resources(stack, type))
        expect(Properties.KmsKeyId).toBe(encryptionKeyArn)
    const functions = resources(stack, 'AWS::Lambda::Function').length
    expect(mayUse(stack, 'kms:Decrypt', encryptionKeyArn)).toBe(functions)
    expect(mayUse(stack, 'kms:GenerateDataKey', encryptionKeyArn)).toBe(functions)
  })

  it('of an API key’s secret alone is used to read that', () => {
    const stack = synthesised({ seamApiKeySecretKeyArn: encryptionKeyArn, seamApiKeySecretArn })
    expect(mayUse(stack, 'kms:Decrypt', encryptionKeyArn)).toBe(6)
    expect(mayUse(stack, 'kms:GenerateDataKey', encryptionKeyArn)).toBe(0)
    expect(mayUse(template, 'kms:Decrypt', encryptionKeyArn)).toBe(0)
  })
})

describe('the limits of an account', () => {
  it('are not used up by the access log’s name, which the next stack may have again', () => {
    for (const name of ['token-vending-example', 'doors']) {
      const stack = new Stack(new App({ context: { ...context, 'aws:cdk:bundling-stacks': [] } }), name)
      new TokenVending(stack, 'TokenVending', { configuration: exampleConfiguration })
      const made = Template.fromStack(stack)
      made.hasResource('AWS::Logs::LogGroup', {
        Properties: { LogGroupName: Match.stringLikeRegexp(`^/aws/vendedlogs/${name}-access-\\w{8}$`) },
        DeletionPolicy: 'Delete',
      })
      made.hasResourceProperties('AWS::ApiGatewayV2::Api', { Name: name })
    }
  })

  it('are not passed by the table unless that is asked for', () => {
    const configuration = { ...exampleConfiguration, limits: { requestsPerSecond: 5000 } }
    const units = (props: object) => {
      const [[, table] = []] = resources(synthesised({ configuration, ...props }), 'AWS::DynamoDB::Table')
      return table?.Properties.OnDemandThroughput.MaxWriteRequestUnits
    }
    expect(units({})).toBe(40_000)
    expect(units({ tableUnits: 90_000 })).toBe(90_000)
  })
})

describe('what is deployed', () => {
  it('stands in the metadata setting by setting, and in the outputs as a hash', () => {
    const limits = { requestsPerSecond: 7 }
    const [one, other] = [exampleConfiguration, { ...exampleConfiguration, limits }].map((configuration) => {
      const template = synthesised({ configuration })
      const outputs = Object.entries(template.findOutputs('*'))
      const output = (name: string) => outputs.find(([key]) => key.includes(name))?.[1].Value
      return { metadata: template.toJSON().Metadata, output }
    })
    expect(one?.metadata).toMatchObject({
      'TokenVending.deployment': 'example',
      'TokenVending.issuers.example.issuer': 'https://issuer.example',
      'TokenVending.issuers.example.audiences': ['https://api.example'],
      'TokenVending.limits.requestsPerSecond': 50,
      'TokenVending Commit': one?.output('Commit'),
      'TokenVending Version': one?.output('Version'),
    })
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
    expect([one?.output('Version'), one?.output('Commit')]).toEqual([
      version,
      expect.stringMatching(/^([0-9a-f]{12}(-dirty)?|unknown)$/),
    ])
    const changed = Object.entries(one?.metadata).filter(([key, value]) => value !== other?.metadata[key])
    expect(changed.map(([key]) => key).filter((key) => !Array.isArray(one?.metadata[key]))).toEqual([
      'TokenVending ConfigurationHash',
      'TokenVending.limits.requestsPerSecond',
    ])
    expect(one?.output('ConfigurationHash')).toBe(configurationHash(readConfiguration(exampleConfiguration)))
    expect(one?.output('ConfigurationHash')).not.toBe(other?.output('ConfigurationHash'))
  })
})

describe('a configuration that is insecure or cannot work', () => {
  const issuer = { name: 'one', issuer: 'https://one.example', audiences: ['api'] }
  it.each([
    ['no issuer', { issuers: [] }, /issuers: list at least one issuer/],
    ['no audience', { issuers: [{ ...issuer, audiences: [] }] }, /audiences: list at least one audience/],
    ['any origin', { allowedOrigins: ['*'] }, /allowedOrigins\[0\]: give an exact origin/],
    ['every https page', { allowedOrigins: ['https://*'] }, /allowedOrigins\[0\]: give an exact origin/],
    ['every page below', { allowedOrigins: ['https://*.acme.app'] }, /allowedOrigins\[0\]: give an exact/],
    ['an app’s own scheme', { allowedOrigins: ['capacitor://localhost'] }, /list "https:\/\/localhost"/],
    [
      'a subject that can change hands',
      { issuers: [{ ...issuer, subjectClaim: '/email' }] },
      /issuers\[0\]\.subjectClaim: \/email can change hands/,
    ],
    ['a page on one machine', { allowedOrigins: ['http://localhost:5173'] }, /allowLocalOrigins/],
    ['plain http', { issuers: [{ ...issuer, issuer: 'http://one.example' }] }, /issuer: give an https/],
    [
      'too short a lifetime',
      { clientSession: { lifetimeSeconds: 60 } },
      /lifetimeSeconds: raise the lifetime above 300 seconds/,
    ],
    ['two issuers of one name', { issuers: [issuer, { ...issuer, issuer: 'https://two.example' }] }, /name/],
  ])('stops the synthesis: %s', (_, change, sentence) => {
    const synthesis = () => synthesised({ configuration: { ...exampleConfiguration, ...change } })
    expect(synthesis).toThrow(ConfigurationError)
    expect(synthesis).toThrow(sentence)
  })

  it.each(['*', 'https://*', 'https://*.acme.app', 'https://app.*'])(
    'stops the API itself, for who builds with it: %s',
    (origin) => {
      const stack = new Stack(new App(), 'own')
      const allowedOrigins = ['https://app.example', origin]
      expect(() => new Api(stack, 'Api', { allowedOrigins } as never)).toThrow(ConfigurationError)
    },
  )

  it('warns of what is allowed and may be a mistake, in an app of one’s own too', () => {
    const stack = new Stack(new App({ context: { 'aws:cdk:bundling-stacks': [] } }), 'own')
    const issuers = [{ ...issuer, audiences: ['account'], typ: 'JWT' }]
    new TokenVending(stack, 'TokenVending', { configuration: { ...exampleConfiguration, issuers } })
    Annotations.fromStack(stack).hasWarning('/own/TokenVending', Match.stringLikeRegexp('"account"'))
  })

  it('allows pages on a developer’s machine where a stage says so', () => {
    const allowedOrigins = ['http://localhost:5173']
    const configuration = { ...exampleConfiguration, allowedOrigins }
    synthesised({ configuration, allowLocalOrigins: true }).hasResourceProperties('AWS::ApiGatewayV2::Api', {
      CorsConfiguration: { AllowOrigins: allowedOrigins },
    })
  })
})
