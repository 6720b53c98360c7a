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

export type OutputName = keyof typeof outputs
export type StackOutputs = Record<OutputName, string>

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
  const found = Object.keys(outputs).map((name) => {
    const key = new RegExp(`^${before}${name}[0-9A-F]{8}$`)
    return [name, all.find(({ OutputKey = '' }) => key.test(OutputKey))?.OutputValue]
  })
  return found.every(([, value]) => value !== undefined) ? Object.fromEntries(found) : undefined
}
