import { describe, expect, it } from 'vitest'
import { resources, synthesised } from '../stack.ts'

const template = synthesised()

interface Statement {
  Effect: string
  Action: string | string[]
  Resource: unknown
  Condition?: Record<string, Record<string, string[]>>
}

const asList = <T>(it: T | T[]) => (Array.isArray(it) ? it : [it])

/** The logical id of a resource, without the construct's path before it and the hash behind it. */
function named(resource: unknown): string {
  if (typeof resource === 'string') return resource
  const { 'Fn::Join': join, ...reference } = resource as { 'Fn::Join'?: [string, unknown[]] }
  if (join !== undefined) return join[1].map(named).join(join[0])
  const [id] = Object.values(reference).flatMap(asList)
  return String(id)
    .replace(/^TokenVending/, '')
    .replace(/[0-9A-F]{8}$/, '')
}

/** The items that a statement is limited to; the only kind of condition there is. */
function limitedTo(condition: Statement['Condition']): string {
  if (condition === undefined) return ''
  expect(Object.keys(condition)).toEqual(['ForAllValues:StringLike'])
  const { 'dynamodb:LeadingKeys': items, ...others } = condition['ForAllValues:StringLike'] ?? {}
  expect(others).toEqual({})
  return ` [${items?.join(' ')}]`
}

/** What each role may do: one line per action and resource. */
function permissions(): Record<string, string[]> {
  const byRole: Record<string, string[]> = {}
  for (const [, { Properties }] of resources(template, 'AWS::IAM::Policy')) {
    for (const role of Properties.Roles) {
      byRole[named(role)] ??= []
      const lines = byRole[named(role)] as string[]
      for (const { Effect, Action, Resource, Condition } of Properties.PolicyDocument
        .Statement as Statement[])
        for (const action of asList(Action))
          for (const resource of asList(Resource))
            lines.push(`${Effect} ${action} ${named(resource)}${limitedTo(Condition)}`)
      lines.sort()
    }
  }
  return byRole
}

describe('the roles', () => {
  it('may do this, and nothing else', () => {
    expect(permissions()).toEqual({
      AdminRole: [
        'Allow dynamodb:GetItem RecordsTable [account#* holders#*]',
        'Allow dynamodb:GetItem RecordsTable [identity#*]',
        'Allow dynamodb:GetItem RecordsTable [keys#*]',
        'Allow dynamodb:GetItem RecordsTable [user#* settings]',
        'Allow dynamodb:PutItem RecordsTable [identity#*]',
        'Allow dynamodb:PutItem RecordsTable [user#* settings]',
        'Allow dynamodb:Scan RecordsTable',
        'Allow dynamodb:UpdateItem RecordsTable [account#* holders#*]',
        'Allow dynamodb:UpdateItem RecordsTable [orphan#*]',
        'Allow logs:CreateLogStream AdminLog',
        'Allow logs:PutLogEvents AdminLog',
        'Allow secretsmanager:GetSecretValue SecretsSealingKey',
        'Allow secretsmanager:GetSecretValue SecretsSeamApiKey',
      ],
      CleaningHandlerRole: [
        'Allow dynamodb:GetItem RecordsTable [run#cleanup account#* settled#*]',
        'Allow dynamodb:GetItem RecordsTable [settings holders#*]',
        'Allow dynamodb:GetItem RecordsTable [user#*]',
        'Allow dynamodb:PutItem RecordsTable [user#*]',
        'Allow dynamodb:Query RecordsTable/index/due',
        'Allow dynamodb:Scan RecordsTable',
        'Allow dynamodb:UpdateItem RecordsTable [run#cleanup account#* settled#*]',
        'Allow logs:CreateLogStream CleaningHandlerLog',
        'Allow logs:PutLogEvents CleaningHandlerLog',
        'Allow secretsmanager:GetSecretValue SecretsSeamApiKey',
        'Allow sqs:GetQueueAttributes CleaningDeadLetters',
        'Allow sqs:GetQueueUrl CleaningDeadLetters',
        'Allow sqs:SendMessage CleaningDeadLetters',
      ],
      CleaningScheduler: [
        'Allow lambda:InvokeFunction CleaningHandlerFunction',
        'Allow sqs:SendMessage CleaningDeadLetters',
      ],
      ConnectRole: [
        'Allow dynamodb:GetItem RecordsTable [keys#* account#*]',
        'Allow dynamodb:GetItem RecordsTable [user#* settings]',
        'Allow dynamodb:GetItem RecordsTable [webview#*]',
        'Allow dynamodb:PutItem RecordsTable [user#* settings]',
        'Allow dynamodb:PutItem RecordsTable [webview#*]',
        'Allow dynamodb:UpdateItem RecordsTable [holders#* budget#*]',
        'Allow dynamodb:UpdateItem RecordsTable [webview#*]',
        'Allow logs:CreateLogStream ConnectLog',
        'Allow logs:PutLogEvents ConnectLog',
        'Allow secretsmanager:GetSecretValue SecretsSealingKey',
        'Allow secretsmanager:GetSecretValue SecretsSeamApiKey',
      ],
      IdentityEventsRole: [
        'Allow dynamodb:GetItem RecordsTable [keys#* settings]',
        'Allow dynamodb:GetItem RecordsTable [user#*]',
        'Allow dynamodb:PutItem RecordsTable [user#*]',
        'Allow logs:CreateLogStream IdentityEventsLog',
        'Allow logs:PutLogEvents IdentityEventsLog',
        'Allow secretsmanager:GetSecretValue SecretsSeamApiKey',
      ],
      VendRole: [
        'Allow dynamodb:GetItem RecordsTable [keys#*]',
        'Allow dynamodb:GetItem RecordsTable [user#* settings]',
        'Allow dynamodb:PutItem RecordsTable [keys#*]',
        'Allow dynamodb:PutItem RecordsTable [user#* settings]',
        'Allow dynamodb:UpdateItem RecordsTable [budget#*]',
        'Allow logs:CreateLogStream VendLog',
        'Allow logs:PutLogEvents VendLog',
        'Allow secretsmanager:GetSecretValue SecretsSealingKey',
        'Allow secretsmanager:GetSecretValue SecretsSeamApiKey',
      ],
      WebhookRole: [
        'Allow dynamodb:GetItem RecordsTable [account#* holders#* settled#*]',
        'Allow dynamodb:GetItem RecordsTable [event#*]',
        'Allow dynamodb:GetItem RecordsTable [user#* settings]',
        'Allow dynamodb:GetItem RecordsTable [webview#*]',
        'Allow dynamodb:PutItem RecordsTable [event#*]',
        'Allow dynamodb:PutItem RecordsTable [user#* settings]',
        'Allow dynamodb:UpdateItem RecordsTable [account#* holders#* settled#*]',
        'Allow logs:CreateLogStream WebhookLog',
        'Allow logs:PutLogEvents WebhookLog',
        'Allow secretsmanager:GetSecretValue SecretsSealingKey',
        'Allow secretsmanager:GetSecretValue SecretsSeamApiKey',
        'Allow secretsmanager:GetSecretValue SecretsWebhookSecrets',
      ],
    })
  })

  it('are given no wildcard', () => {
    for (const line of Object.values(permissions()).flat()) {
      const [, action, resource] = line.split(' ')
      expect(action).not.toContain('*')
      expect(resource).not.toContain('*')
    }
  })

  it('can be taken on by Lambda alone, and by the scheduler of this account', () => {
    for (const [id, { Properties }] of resources(template, 'AWS::IAM::Role')) {
      const [service, condition] = id.includes('CleaningScheduler')
        ? ['scheduler', { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } }]
        : ['lambda']
      expect(Properties.AssumeRolePolicyDocument.Statement).toEqual([
        {
          Action: 'sts:AssumeRole',
          Effect: 'Allow',
          Principal: { Service: `${service}.amazonaws.com` },
          ...(condition !== undefined && { Condition: condition }),
        },
      ])
    }
  })
})
