/**
 * What a stack says of itself, for people and for the commands that are told no more than its name: names and ARNs,
 * never a secret. Adding one is fine; a renamed one is not found in stacks that were deployed before.
 */
export const outputs = {
  Endpoint: 'Pages send POST /client-session here.',
  Next: 'Stores the Seam API key.',
  AdminFunction: 'Invoked by npm run admin with --stack.',
  CleanupFunction: 'Invoked on its schedule, and by npm run cleanup with --stack.',
  AuditLogGroups: 'Each change of who may have what; separated by commas.',
  Table: 'The records.',
  SeamEndpoint: 'The Seam that it asks.',
  SeamApiKeySecret: 'Holds the Seam API key, as plain text.',
  WebhookSecretsSecret: 'Holds what Seam’s webhooks are signed with, as a JSON list.',
  SealingKeySecret: 'Holds what seals client session tokens in the table.',
  AlarmTopic: 'Alarms go here; somebody should subscribe.',
} as const

/** Stacks of earlier versions have none of these. */
export const laterOutputs = {
  Version: 'The version of the program.',
  Commit: 'The commit that it was deployed from.',
  RegionalDomainName: 'What the DNS record of the API’s own domain leads to.',
  RegionalHostedZoneId: 'The zone of that, for an alias record of Route 53.',
  ConfigurationHash:
    'SHA-256 of the configuration, as GET /healthz tells it; the template’s metadata has it all.',
} as const

export type StackOutputs = Record<keyof typeof outputs, string> &
  Partial<Record<keyof typeof laterOutputs, string>>

/**
 * The outputs by name; undefined when there is no vending machine in the stack, or one of another version. CDK makes
 * their keys from the construct's path, the name and a hash, so what stands before the admin function's name stands
 * before the others' too.
 */
export function readOutputs(
  all: { OutputKey?: string | undefined; OutputValue?: string | undefined }[],
): StackOutputs | undefined {
  const path = all.map(({ OutputKey = '' }) => /^(.*)AdminFunction[0-9A-F]{8}$/.exec(OutputKey)?.[1])
  const [before] = path.filter((it) => it !== undefined)
  if (before === undefined) return undefined
  const found: Partial<StackOutputs> = Object.fromEntries(
    Object.keys({ ...outputs, ...laterOutputs }).flatMap((name) => {
      const key = new RegExp(`^${before}${name}[0-9A-F]{8}$`)
      const output = all.find(({ OutputKey = '' }) => key.test(OutputKey))
      return output === undefined ? [] : [[name, output.OutputValue]]
    }),
  )
  return Object.keys(outputs).every((name) => name in found) ? (found as StackOutputs) : undefined
}
