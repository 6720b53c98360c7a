import { readFileSync } from 'node:fs'
import * as z from 'zod/v4-mini'
import { ConfigurationError, type ConfigurationInput } from '../functions/config.ts'
import type { TokenVendingProps } from './stack/token-vending.ts'

/**
 * The user's own file: for each stage the configuration (`tokenVending`) and what is about the stack alone
 * (`tokenVendingStack`). Without the file the example in cdk.json's context takes its place.
 */
export const stagesFile = 'token-vending.json'

export interface Stage {
  tokenVending: unknown
  tokenVendingStack?: unknown
}
export type Stages = Record<string, Stage>

const arnOf = (what: string, shape: RegExp) =>
  z
    .string({ error: `give the ARN of ${what}` })
    .check(z.regex(shape, { error: `give the whole ARN of ${what}` }))
const secretArn = arnOf('a secret', /^arn:[^:]+:secretsmanager:.*-\w{6}$/)
const keyArn = arnOf('a key of KMS', /^arn:[^:]+:kms:[^:]+:\d+:key\/(mrk-)?[0-9a-f-]{32,36}$/)
const yesOrNo = z.boolean({ error: 'give true or false' })
const whole = (unit: string) =>
  z
    .int({ error: `give a whole number of ${unit}` })
    .check(z.gte(1, { error: 'give at least 1, or leave it out' }))

const stackSettings = z.strictObject({
  allowLocalOrigins: z.optional(yesOrNo),
  seamApiKeySecretArn: z.optional(secretArn),
  seamApiKeySecretKeyArn: z.optional(keyArn),
  dashboard: z.optional(yesOrNo),
  alarmEmail: z.optional(
    z
      .string({ error: 'give an e-mail address' })
      .check(z.regex(/^[^@\s]+@[^@\s]+$/, { error: 'give an e-mail address' })),
  ),
  vendConcurrency: z.optional(whole('environments')),
  tableUnits: z.optional(whole('request units')),
  domain: z.optional(
    z.strictObject({
      name: z
        .string({ error: 'give a host name' })
        .check(
          z.regex(/^([a-z0-9-]+\.)+[a-z]{2,}$/, { error: 'give a host name in small letters, no wildcard' }),
        ),
      certificateArn: arnOf('a certificate of ACM in the region of the stack', /^arn:[^:]+:acm:.+$/),
      hostedZoneId: z.optional(
        z
          .string({ error: 'give the id of a zone of Route 53' })
          .check(z.regex(/^Z[A-Z0-9]+$/, { error: 'give an id such as Z0123456789' })),
      ),
      disableGenerated: z.optional(yesOrNo),
    }),
  ),
  existing: z.optional(
    z.strictObject({
      tableArn: z.optional(arnOf('a table', /^arn:[^:]+:dynamodb:[^:]+:\d+:table\/[\w.-]+$/)),
      sealingKeySecretArn: z.optional(secretArn),
      auditLogGroups: z.optional(
        z.array(z.string().check(z.regex(/^[\w./#-]+$/, { error: 'give the name of a log group' })), {
          error: 'list the names of log groups',
        }),
      ),
    }),
  ),
  encryptionKeyArn: z.optional(keyArn),
  terminationProtection: z.optional(yesOrNo),
})

/** The file in this folder, or undefined when there is none. @throws ConfigurationError */
export function readStages(folder: string): Stages | undefined {
  let text: string
  try {
    text = readFileSync(`${folder}/${stagesFile}`, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new ConfigurationError(`${stagesFile} cannot be read; check its permissions`)
  }
  const stages = parsedJson(text)
  if (
    !isObject(stages) ||
    !Object.values(stages).every((stage) => isObject(stage) && 'tokenVending' in stage)
  )
    throw new ConfigurationError(`${stagesFile}: give { "<stage>": { "tokenVending": { … } } }`)
  return stages as Stages
}

/** The one with that name, or the only one. `option` is how the caller would choose. @throws ConfigurationError */
export function chooseStage(
  stages: Stages | undefined,
  name: string | undefined,
  option = '--stage NAME',
): [name: string, stage: Stage] {
  if (stages === undefined)
    throw new ConfigurationError(`stage: there is no ${stagesFile}; npm run init writes one`)
  const names = Object.keys(stages)
  const list = names.join(', ') || '(it is empty)'
  if (name === undefined && names.length !== 1)
    throw new ConfigurationError(`stage: ${stagesFile} has ${list}; choose one with ${option}`)
  const chosen = name ?? names[0] ?? ''
  const stage = Object.hasOwn(stages, chosen) ? stages[chosen] : undefined
  if (stage === undefined)
    throw new ConfigurationError(`stage: ${stagesFile} has no "${chosen}"; choose one of ${list}`)
  return [chosen, stage]
}

/** Those of the construct, which checks the configuration itself, since other apps use it without this file; and one of the stack. */
export type StageProps = TokenVendingProps & { terminationProtection?: boolean | undefined }

export function propsOf({ tokenVending, tokenVendingStack = {} }: Stage): StageProps {
  const parsed = stackSettings.safeParse(tokenVendingStack, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `unknown: ${issue.keys.join(', ')}; remove it or correct the spelling`
        : undefined,
  })
  if (!parsed.success)
    throw new ConfigurationError(
      parsed.error.issues
        .map(({ path, message }) => `${['tokenVendingStack', ...path].join('.')}: ${message}`)
        .join('\n'),
    )
  return { configuration: tokenVending as ConfigurationInput, ...parsed.data }
}

export const stackNameOf = (deployment: string) => `token-vending-${deployment}`

/** Editors on Windows put a byte order mark before it. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    return undefined
  }
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
