import { describe, expect, it } from 'vitest'
import { type Resource, resources, synthesised } from '../stack.ts'

/** What cdk-nag does not see, asserted on everything of a kind that the template has, now and later. */

const template = synthesised()
const all = (type: string) => resources(template, type).map(([, it]) => it)

/** The resource that a `Ref` or `Fn::GetAtt` leads to. */
function target(reference: { Ref?: string; 'Fn::GetAtt'?: [string, string] }): Resource {
  const id = reference.Ref ?? reference['Fn::GetAtt']?.[0]
  return template.toJSON().Resources[id ?? '']
}

describe('every function', () => {
  it.each(resources(template, 'AWS::Lambda::Function'))('has its bounds: %s', (_, { Properties }) => {
    expect(Properties).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Timeout: expect.any(Number),
      MemorySize: expect.any(Number),
      Handler: expect.stringMatching(/^[a-z-]+\.handler$/),
      LoggingConfig: { LogFormat: 'JSON', LogGroup: { Ref: expect.any(String) } },
    })
    expect(target(Properties.LoggingConfig.LogGroup).Properties.RetentionInDays).toBeGreaterThan(0)
  })

  it.each(resources(template, 'AWS::Lambda::Function'))('has a role of its own: %s', (_, { Properties }) => {
    const sharers = all('AWS::Lambda::Function').filter(
      (other) => JSON.stringify(other.Properties.Role) === JSON.stringify(Properties.Role),
    )
    expect(sharers).toHaveLength(1)
    expect(target(Properties.Role).Properties).not.toHaveProperty('ManagedPolicyArns')
  })

  it.each(resources(template, 'AWS::Lambda::Function'))(
    'finds names and ARNs in its environment, and no secret: %s',
    (_, { Properties }) => {
      for (const [name, value] of Object.entries(Properties.Environment.Variables)) {
        expect(name).toMatch(/^[A-Z_]+_(NAME|ARN)$/)
        expect(value).toEqual({ Ref: expect.any(String) })
      }
    },
  )
})

describe('everything that keeps state', () => {
  it('has the logical ids that it was first deployed with', () => {
    const stateful = ['AWS::DynamoDB::Table', 'AWS::SecretsManager::Secret', 'AWS::Logs::LogGroup']
    const ids = stateful.flatMap((type) => resources(template, type).map(([id]) => id))
    // A changed id replaces the resource, and with it what it holds.
    expect(ids).toEqual([
      'TokenVendingRecordsTable86B470AA',
      'TokenVendingSecretsSeamApiKey9BC705A1',
      'TokenVendingSecretsWebhookSecretsFBFA555B',
      'TokenVendingSecretsSealingKeyFDE32A5D',
      'TokenVendingVendLog8BFE2CCA',
      'TokenVendingConnectLog9F4AD7D3',
      'TokenVendingWebhookLogD7C3EF4F',
      'TokenVendingIdentityEventsLogF259F208',
      'TokenVendingCleaningHandlerLog15F0BDF8',
      'TokenVendingAdminLog7EFED2F6',
      'TokenVendingApiAccessLog80AF9301',
    ])
  })

  it.each(resources(template, 'AWS::DynamoDB::Table'))('is kept with the table %s', (_, table) => {
    expect(table).toMatchObject({
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        DeletionProtectionEnabled: true,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true },
      },
    })
  })
})

describe('the front door', () => {
  it('is open to exact https origins', () => {
    for (const { Properties } of all('AWS::ApiGatewayV2::Api')) {
      expect(Properties.CorsConfiguration.AllowOrigins).not.toEqual([])
      for (const origin of Properties.CorsConfiguration.AllowOrigins)
        expect(origin).toMatch(/^https:\/\/[^*/]+$/)
    }
  })

  it('is throttled', () => {
    for (const { Properties } of all('AWS::ApiGatewayV2::Stage')) {
      expect(Properties.DefaultRouteSettings.ThrottlingRateLimit).toBeGreaterThan(0)
      expect(Properties.DefaultRouteSettings.ThrottlingBurstLimit).toBeGreaterThan(0)
    }
  })
})

describe('every schedule', () => {
  it.each(resources(template, 'AWS::Scheduler::Schedule'))(
    'is retried, and what fails is kept: %s',
    (_, { Properties }) => {
      const { RetryPolicy, DeadLetterConfig, Input } = Properties.Target
      expect(RetryPolicy.MaximumRetryAttempts).toBeGreaterThan(0)
      expect(RetryPolicy.MaximumEventAgeInSeconds).toBeGreaterThan(0)
      expect(target(DeadLetterConfig.Arn).Type).toBe('AWS::SQS::Queue')
      expect(Input).toBe('{}')
    },
  )

  it('leads to a function that ends before its next turn, and whose failures are kept too', () => {
    expect(all('AWS::Scheduler::Schedule')).toHaveLength(1)
    for (const { Properties } of all('AWS::Scheduler::Schedule')) {
      const minutes = Number(/^rate\((\d+) minutes?\)$/.exec(Properties.ScheduleExpression)?.[1])
      expect(target(Properties.Target.Arn).Properties.Timeout).toBeLessThan(minutes * 60)
      const [invocation] = all('AWS::Lambda::EventInvokeConfig').filter(
        (it) => it.Properties.FunctionName.Ref === Properties.Target.Arn['Fn::GetAtt'][0],
      )
      const { Destination } = invocation?.Properties.DestinationConfig.OnFailure ?? {}
      expect(target(Destination).Type).toBe('AWS::SQS::Queue')
    }
  })
})
