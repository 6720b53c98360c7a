import { readFileSync } from 'node:fs'
import * as z from 'zod/v4-mini'
import { ConfigurationError, type ConfigurationInput } from '../functions/config.ts'
import type { TokenVendingProps } from './token-vending.ts'

/**
 * What cdk.json's context says, or, with `-c stage=dev`, what the entry `dev` of the user's own file says in its
 * place: `tokenVending` is the configuration (or the name of a file that holds it), `tokenVendingStack` what is
 * about the stack alone.
 */

const stackSettings = z.strictObject({
  allowLocalOrigins: z.optional(z.boolean({ error: 'give true or false' })),
  seamApiKeySecretArn: z.optional(
    z
      .string({ error: 'give the ARN of a secret' })
      .check(z.regex(/^arn:[^:]+:secretsmanager:.*-\w{6}$/, { error: 'give the whole ARN of a secret' })),
  ),
  alarmEmail: z.optional(
    z
      .string({ error: 'give an e-mail address' })
      .check(z.regex(/^[^@\s]+@[^@\s]+$/, { error: 'give an e-mail address' })),
  ),
  vendConcurrency: z.optional(
    z
      .int({ error: 'give a whole number of environments' })
      .check(z.gte(1, { error: 'give at least 1, or leave it out' })),
  ),
})

/** The props of the construct, from the context; throws `ConfigurationError` when they are not to be found there. */
export function propsFromContext(context: (name: string) => unknown): TokenVendingProps {
  const stage = context('stage')
  if (stage === undefined) return props(context('tokenVending'), context('tokenVendingStack'))

  const file = String(context('stages') ?? 'stages.json')
  const stages = readJson(file, 'stages') as Record<string, Record<string, unknown>>
  const chosen = Object.hasOwn(stages, String(stage)) ? stages[String(stage)] : undefined
  if (chosen === undefined)
    throw new ConfigurationError(
      `stage: ${file} has no "${stage}"; choose one of ${Object.keys(stages).join(', ') || '(it is empty)'}`,
    )
  return props(chosen.tokenVending, chosen.tokenVendingStack)
}

function props(tokenVending: unknown, settings: unknown): TokenVendingProps {
  const configuration =
    typeof tokenVending === 'string' ? readJson(tokenVending, 'tokenVending') : tokenVending
  const parsed = stackSettings.safeParse(settings ?? {}, {
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
  // Checked by the construct, which other apps use without this file.
  return { configuration: configuration as ConfigurationInput, ...parsed.data }
}

function readJson(file: string, field: string): object {
  try {
    const json: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof json === 'object' && json !== null) return json
  } catch {
    // Falls through: either way the sentence is the same.
  }
  throw new ConfigurationError(`${field}: ${file} is not a file with a JSON object; create or correct it`)
}
