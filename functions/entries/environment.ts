import type { Entry } from '../table/keys.ts'

/** What the stack provides to each function: where the table is, and its secrets. PURE. */

const apiKey = { SEAM_API_KEY_SECRET_ARN: 'seamApiKey' } as const
const bothKeys = { ...apiKey, SEALING_KEY_SECRET_ARN: 'sealingKey' } as const

/** The secrets that a function may read, by the variable that says where. */
export const secretsOf = {
  vend: bothKeys,
  // A login widens the live client session of its user.
  connect: bothKeys,
  webhook: { ...bothKeys, SEAM_WEBHOOK_SECRETS_SECRET_ARN: 'webhookSecrets' },
  // These delete client sessions, and never need their tokens.
  'identity-events': apiKey,
  cleanup: apiKey,
  admin: bothKeys,
} as const satisfies Record<Entry, Record<string, string>>

type Variable = keyof (typeof secretsOf)['webhook']

/** Names and ARNs, never a secret; a function has the variables of its own secrets alone. */
export type Environment = { TABLE_NAME: string } & { [V in Variable]?: string }
