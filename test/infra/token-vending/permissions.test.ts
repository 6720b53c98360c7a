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
  const [reference] = Object.values(resource as object)
  return String(asList(reference)[0])
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
      VendRole: [
        'Allow dynamodb:GetItem RecordsTable [user#* keys#* settings]',
        'Allow dynamodb:PutItem RecordsTable [user#* keys#* settings]',
        'Allow dynamodb:UpdateItem RecordsTable [budget#*]',
        'Allow logs:CreateLogStream VendLog',
        'Allow logs:PutLogEvents VendLog',
        'Allow secretsmanager:GetSecretValue SecretsSealingKey',
        'Allow secretsmanager:GetSecretValue SecretsSeamApiKey',
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

  it('can be taken on by Lambda alone', () => {
    for (const [, { Properties }] of resources(template, 'AWS::IAM::Role'))
      expect(Properties.AssumeRolePolicyDocument.Statement).toEqual([
        { Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' } },
      ])
  })
})
