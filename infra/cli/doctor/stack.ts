import type { DynamoDB } from '@aws-sdk/client-dynamodb'
import type { Configuration } from '../../../functions/config.ts'
import { webhookKeysFrom } from '../../../functions/connecting/signature.ts'
import { configurationHash } from '../../../functions/http/health.ts'
import { sealingKeysFrom } from '../../../functions/session/seal.ts'
import { tableShape } from '../../../functions/table/keys.ts'
import { settingsOf } from '../../stack/release.ts'
import { type DeployedStack, readSecret, type SecretName } from '../aws/stack.ts'
import { awsError } from '../errors.ts'
import { asked, bad, check, type Finding, good, look, unknown } from './finding.ts'
import { keptFindings } from './kept.ts'
import { trailFinding } from './trail.ts'
import { worldFindings } from './world.ts'

/** A deployed stack, from its endpoint to its table, its secrets and Seam behind it. */
export async function* stackFindings(
  stack: DeployedStack,
  configuration: Configuration | undefined,
  token: string | undefined,
): AsyncGenerator<Finding> {
  const { name, outputs, aws } = stack
  yield good('stack', `${name} in ${aws.region}`)
  yield releaseFinding(stack, configuration)
  const apiKey = await goodSecret(stack, 'SeamApiKeySecret')
  if (typeof apiKey !== 'string') yield apiKey
  for (const name of ['WebhookSecretsSecret', 'SealingKeySecret'] as const) {
    const secret = await goodSecret(stack, name)
    yield typeof secret === 'string' ? good(secrets[name].what, 'of the right shape') : secret
  }
  yield alarmFinding(stack)
  yield trailFinding(stack)
  yield* await keptFindings(stack.client, name, outputs.Table)

  const { DynamoDB } = await import('@aws-sdk/client-dynamodb')
  const client = new DynamoDB(aws)
  yield* await tableSettingsFindings(client, outputs.Table)
  const seam = typeof apiKey === 'string' ? { endpoint: outputs.SeamEndpoint, apiKey } : undefined
  const world = { endpoint: outputs.Endpoint, client, tableName: outputs.Table, seam, hearsSeam: true }
  yield* worldFindings(world, configuration, token)
  client.destroy()
}

/** Whether what is deployed is what stands here; if not, setting by setting. */
async function releaseFinding(stack: DeployedStack, configuration: Configuration | undefined) {
  const what = 'deployed configuration'
  const { Version, Commit, ConfigurationHash } = stack.outputs
  if (ConfigurationHash === undefined) return unknown(what, 'a stack of an earlier version does not tell')
  const release = `version ${Version}, commit ${Commit}`
  if (configuration === undefined) return unknown(what, `${release}; not compared`, 'give --stage NAME')
  if (configurationHash(configuration) === ConfigurationHash) return good(what, `is this one; ${release}`)
  const differences = await differencesFrom(stack, configuration)
  return look(what, `${release}; differs: ${differences}`, 'npx cdk diff, then npm run deploy')
}

async function differencesFrom({ name, client }: DeployedStack, configuration: Configuration) {
  try {
    const { Metadata = '{}' } = await client.getTemplateSummary({ StackName: name })
    const deployed: Record<string, unknown> = JSON.parse(Metadata)
    const [path = ''] = Object.keys(deployed).flatMap((key) => /^(.*)\.deployment$/.exec(key)?.[1] ?? [])
    const here = settingsOf(configuration, `${path}.`)
    const keys = Object.keys({ ...deployed, ...here }).filter((key) => key.startsWith(`${path}.`))
    const shown = (value: unknown) => JSON.stringify(value) ?? 'absent'
    return keys
      .filter((key) => shown(deployed[key]) !== shown(here[key]))
      .map((key) => `${key.slice(path.length + 1)} is ${shown(deployed[key])}, here ${shown(here[key])}`)
      .join('; ')
  } catch (error) {
    return awsError(error, 'read its settings', 'cloudformation:GetTemplateSummary').message
  }
}

/** What must be in a secret, and what to do when it is not. Of the API key Seam says more. */
const secrets: Record<SecretName, { what: string; parse(value: string): unknown; todo?: string }> = {
  SeamApiKeySecret: { what: 'Seam API key', parse: () => {} },
  WebhookSecretsSecret: { what: 'webhook secrets', parse: webhookKeysFrom },
  SealingKeySecret: {
    what: 'sealing key',
    parse: sealingKeysFrom,
    todo: 'put {"current": "<32 or more random characters>"} there; sealed tokens are then replaced',
  },
}

/** Its value, or what is wrong with it. */
function goodSecret(stack: DeployedStack, name: SecretName): Promise<string | Finding> {
  const { what, parse, todo = `\`setup --stack ${stack.name}\`` } = secrets[name]
  return asked(what, 'secretsmanager:GetSecretValue', async () => {
    const value = await readSecret(stack, name)
    if (value === undefined) return bad(what, 'is not stored', todo)
    try {
      parse(value)
      return value
    } catch {
      return bad(what, 'is of another shape', todo)
    }
  })
}

/** Whether somebody hears of alarms: an address counts once its owner has said yes to AWS. */
function alarmFinding({ aws, outputs: { AlarmTopic } }: DeployedStack): Promise<Finding> {
  return asked('alarms', 'sns:GetTopicAttributes', async () => {
    const { SNS } = await import('@aws-sdk/client-sns')
    const { Attributes = {} } = await new SNS(aws).getTopicAttributes({ TopicArn: AlarmTopic })
    const confirmed = Number(Attributes.SubscriptionsConfirmed ?? 0)
    const isPending = Number(Attributes.SubscriptionsPending ?? 0) > 0
    const otherwise = `are told to nobody${isPending ? ': none has confirmed' : ''}`
    const todo = isPending
      ? 'follow the link in AWS’s mail to whom you named'
      : `set alarmEmail and deploy, or aws sns subscribe --topic-arn ${AlarmTopic} --protocol email --notification-endpoint <address>`
    return check('alarms', confirmed > 0, `are told to ${confirmed}`, otherwise, todo)
  })
}

/** What an adopted or a restored table may lack. */
function tableSettingsFindings(client: DynamoDB, TableName: string): Promise<Finding[]> {
  const { ttl } = tableShape
  return Promise.all([
    asked('time to live', 'dynamodb:DescribeTimeToLive', async () => {
      const { TimeToLiveDescription: found } = await client.describeTimeToLive({ TableName })
      const otherwise = 'is off, so old items stay for good'
      const todo = `switch it on for "${ttl}"`
      return check('time to live', found?.AttributeName === ttl, `by "${ttl}"`, otherwise, todo)
    }),
    asked('point-in-time recovery', 'dynamodb:DescribeContinuousBackups', async () => {
      const { ContinuousBackupsDescription: found } = await client.describeContinuousBackups({ TableName })
      const isOn = found?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus === 'ENABLED'
      const otherwise = 'is off: a lost table would be lost for good'
      return check('point-in-time recovery', isOn, 'is on', otherwise, 'switch it on')
    }),
  ])
}
