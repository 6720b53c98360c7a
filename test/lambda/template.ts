import { cpSync, mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb'
import type { ConfigurationInput } from '../../functions/config.ts'
import { tokenVendingApp } from '../../infra/app.ts'
import { context } from '../infra/stack/stack.ts'

export const region = 'eu-central-1'
export const account = '111122223333'

export interface Resource {
  Type: string
  // biome-ignore lint/suspicious/noExplicitAny: a template's properties have no types.
  Properties: any
}

/** A synthesised template, and what its references lead to once it is deployed. */
export interface Template {
  resources(type: string): [id: string, Resource][]
  /** What the stack tells under a name, see `infra/stack/outputs.ts`. */
  output(name: string): string
  /** The value of a text, a `Ref`, the `Arn` of a `Fn::GetAtt`, or of these joined. */
  resolve(value: unknown): string
  /** A function's asset, copied into an empty folder in this one. */
  unpackAsset(functionId: string, into: string): string
  tableInput(tableId: string): CreateTableCommandInput
}

/** Synthesises as `cdk` does, bundles and checks included. */
export function synthesise(configuration: ConfigurationInput, outdir: string): Template {
  const app = tokenVendingApp({ outdir, context: { ...context, tokenVending: configuration } })
  const [stack] = app.synth().stacks
  if (stack === undefined) throw new Error('there is no stack')
  const all: Record<string, Resource> = stack.template.Resources
  const assets = JSON.parse(readFileSync(join(outdir, `${stack.stackName}.assets.json`), 'utf8')).files

  function found(id: string): Resource {
    const resource = all[id]
    if (resource === undefined) throw new Error(`${id} is not in the template`)
    return resource
  }

  return {
    resources: (type) => Object.entries(all).filter(([, it]) => it.Type === type),
    output(name) {
      const [, output] =
        Object.entries(stack.template.Outputs as Record<string, { Value: unknown }>).find(([key]) =>
          new RegExp(`^TokenVending${name}[0-9A-F]{8}$`).test(key),
        ) ?? []
      return this.resolve(output?.Value)
    },
    resolve(value) {
      if (typeof value === 'string') return value
      const reference = value as {
        Ref?: string
        'Fn::GetAtt'?: [string, string]
        'Fn::Join'?: [string, unknown[]]
      }
      const { Ref, 'Fn::GetAtt': attribute, 'Fn::Join': join } = reference
      if (join !== undefined) return join[1].map((it) => this.resolve(it)).join(join[0])
      if (Ref !== undefined) return physical(Ref, found(Ref))
      if (attribute?.[1] === 'Arn') return arn(attribute[0], found(attribute[0]))
      throw new Error(`a reference that this cannot resolve: ${JSON.stringify(value)}`)
    },
    unpackAsset(functionId, into) {
      const hash = found(functionId).Properties.Code.S3Key.replace('.zip', '')
      const folder = mkdtempSync(join(into, 'task-'))
      cpSync(join(outdir, assets[hash].source.path), folder, { recursive: true })
      return folder
    },
    tableInput(tableId) {
      const properties: CreateTableCommandInput = found(tableId).Properties
      const { KeySchema, AttributeDefinitions, BillingMode, GlobalSecondaryIndexes } = properties
      return {
        TableName: physical(tableId, found(tableId)),
        KeySchema,
        AttributeDefinitions,
        BillingMode,
        // No engine here knows a maximum.
        GlobalSecondaryIndexes: GlobalSecondaryIndexes?.map(({ IndexName, KeySchema, Projection }) => ({
          IndexName,
          KeySchema,
          Projection,
        })),
      }
    },
  }
}

function physical(id: string, { Type }: Pick<Resource, 'Type'>): string {
  // A secret's `Ref` is its ARN.
  return Type === 'AWS::SecretsManager::Secret' ? arn(id, { Type }) : id
}

function arn(id: string, { Type }: Pick<Resource, 'Type'>): string {
  const kinds: Record<string, string> = {
    'AWS::DynamoDB::Table': `dynamodb:${region}:${account}:table/${id}`,
    'AWS::SecretsManager::Secret': `secretsmanager:${region}:${account}:secret:${id}-AbCdEf`,
    'AWS::SQS::Queue': `sqs:${region}:${account}:${id}`,
    'AWS::Lambda::Function': `lambda:${region}:${account}:function:${id}`,
    'AWS::IAM::Role': `iam::${account}:role/${id}`,
    'AWS::Logs::LogGroup': `logs:${region}:${account}:log-group:${id}:*`,
  }
  const kind = kinds[Type]
  if (kind === undefined) throw new Error(`an ARN that this does not know: ${id}`)
  return `arn:aws:${kind}`
}
