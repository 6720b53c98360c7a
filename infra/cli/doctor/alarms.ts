import { GetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns'
import type { DeployedStack } from '../aws/stack.ts'
import { awsError } from '../errors.ts'
import { bad, type Finding, good, unknown } from './finding.ts'

/** Whether somebody hears of alarms: an address counts once its owner has said yes to AWS. */
export async function alarmFinding({ aws, outputs }: DeployedStack): Promise<Finding> {
  const what = 'alarms'
  const topic = outputs.AlarmTopic
  const client = new SNSClient(aws)
  try {
    const { Attributes = {} } = await client.send(new GetTopicAttributesCommand({ TopicArn: topic }))
    const confirmed = Number(Attributes.SubscriptionsConfirmed ?? 0)
    const pending = Number(Attributes.SubscriptionsPending ?? 0)
    if (confirmed > 0) return good(what, `are told to ${confirmed}`)
    if (pending > 0)
      return bad(
        what,
        'are told to nobody: none has confirmed',
        'follow the link in AWS’s mail to whom you named',
      )
    return bad(
      what,
      'are told to nobody',
      `set alarmEmail and deploy, or aws sns subscribe --topic-arn ${topic} --protocol email --notification-endpoint <address>`,
    )
  } catch (error) {
    return unknown(
      what,
      'not checked',
      awsError(error, 'look at the alarms’ topic', 'sns:GetTopicAttributes').message,
    )
  } finally {
    client.destroy()
  }
}
