import type { Template } from './template.ts'

export interface Statement {
  Effect: 'Allow' | 'Deny'
  Action: string | string[]
  Resource: unknown
  Condition?: { 'ForAllValues:StringLike'?: { 'dynamodb:LeadingKeys'?: string[] } }
}

/** Whether the role may do this, by the policies of the template alone. */
export type MayDo = (request: { action: string; resource: string; leadingKey?: string }) => boolean

export function permissionsOf(template: Template, role: string): MayDo {
  const statements = template
    .resources('AWS::IAM::Policy')
    .flatMap(([, { Properties }]) =>
      Properties.Roles.some((it: { Ref: string }) => it.Ref === role)
        ? (Properties.PolicyDocument.Statement as Statement[])
        : [],
    )
  return ({ action, resource, leadingKey }) => {
    const matching = statements.filter(
      ({ Action, Resource, Condition }) =>
        asList(Action).includes(action) &&
        asList(Resource).some((it) => template.resolve(it) === resource) &&
        concerns(Condition, leadingKey),
    )
    return matching.length > 0 && matching.every(({ Effect }) => Effect === 'Allow')
  }
}

function concerns(condition: Statement['Condition'], leadingKey: string | undefined): boolean {
  if (condition === undefined) return true
  const items = condition['ForAllValues:StringLike']?.['dynamodb:LeadingKeys']
  if (items === undefined) throw new Error(`a condition that this cannot judge: ${JSON.stringify(condition)}`)
  return leadingKey === undefined || items.some((item) => like(item, leadingKey))
}

const like = (pattern: string, value: string) =>
  pattern.endsWith('*') ? value.startsWith(pattern.slice(0, -1)) : value === pattern

const asList = <T>(it: T | T[]) => (Array.isArray(it) ? it : [it])
