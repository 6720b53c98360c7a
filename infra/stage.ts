import { readFileSync } from 'node:fs'
import * as z from 'zod/v4-mini'
import { isObject } from '../functions/caller/jws.ts'
import { ConfigurationError, type ConfigurationInput, settingsBy } from '../functions/config.ts'
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

const text = (what: string, shape: RegExp) =>
  z.optional(z.string({ error: `give ${what}` }).check(z.regex(shape, { error: `give ${what}` })))
const arn = (what: string, shape: RegExp) => text(`the whole ARN of ${what}`, shape)
const secretArn = arn('a secret', /^arn:[^:]+:secretsmanager:.*-\w{6}$/)
const keyArn = arn('a key of KMS', /^arn:[^:]+:kms:[^:]+:\d+:key\/(mrk-)?[0-9a-f-]{32,36}$/)
const yesOrNo = z.optional(z.boolean({ error: 'give true or false' }))
const some = (unit: string) => {
  const least = z.gte(1, { error: 'give at least 1, or leave it out' })
  return z.optional(z.int({ error: `give a whole number of ${unit}` }).check(least))
}
const certificateArn = arn('a certificate of ACM in the region of the stack', /^arn:[^:]+:acm:.+$/)

const stackSettings = z.strictObject({
  allowLocalOrigins: yesOrNo,
  seamApiKeySecretArn: secretArn,
  seamApiKeySecretKeyArn: keyArn,
  dashboard: yesOrNo,
  alarmEmail: text('an e-mail address', /^[^@\s]+@[^@\s]+$/),
  vendConcurrency: some('environments'),
  tableUnits: some('request units'),
  domain: z.optional(
    z.strictObject({
      name: z.nonoptional(text('a host name in small letters, no wildcard', /^([a-z0-9-]+\.)+[a-z]{2,}$/)),
      certificateArn: z.nonoptional(certificateArn),
      hostedZoneId: text('the id of a zone of Route 53', /^Z[A-Z0-9]+$/),
      disableGenerated: yesOrNo,
    }),
  ),
  existing: z.optional(
    z.strictObject({
      tableArn: arn('a table', /^arn:[^:]+:dynamodb:[^:]+:\d+:table\/[\w.-]+$/),
      sealingKeySecretArn: secretArn,
      auditLogGroups: z.optional(z.array(z.string(), { error: 'list the names of log groups' })),
    }),
  ),
  encryptionKeyArn: keyArn,
  terminationProtection: yesOrNo,
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
): Stage {
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
  return stage
}

/** Those of the construct, which checks the configuration itself, since other apps use it without this file; and one of the stack. */
export type StageProps = TokenVendingProps & { terminationProtection?: boolean | undefined }

export function propsOf({ tokenVending, tokenVendingStack = {} }: Stage): StageProps {
  const settings = settingsBy(stackSettings, tokenVendingStack, 'tokenVendingStack')
  return { configuration: tokenVending as ConfigurationInput, ...settings }
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
