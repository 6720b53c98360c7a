import { call, serviceCaller } from '../../../functions/aws/caller.ts'
import type { DeployedStack } from '../aws/stack.ts'
import { Refused } from '../errors.ts'
import { asked, type Finding, good, look } from './finding.ts'

const permissions = 'cloudtrail:DescribeTrails and GetEventSelectors'

/** Whether CloudTrail knows who invokes the admin function; without that, `by` in the audit is what they claim. */
export async function trailFinding({ aws, outputs }: DeployedStack): Promise<Finding> {
  const what = 'who did it'
  return asked(what, permissions, async () => {
    const { trailList } = await cloudTrail<{ trailList: Trail[] }>(aws, 'DescribeTrails', {})
    for (const { Name, TrailARN: TrailName, HomeRegion: region = aws.region } of trailList) {
      const selectors = await cloudTrail<Selectors>({ ...aws, region }, 'GetEventSelectors', { TrailName })
      if (covers(selectors, outputs.AdminFunction))
        return good(what, `the trail ${Name} records who invokes the admin function`)
    }
    const said = 'no trail of CloudTrail records who invokes the admin function'
    return look(what, said, 'switch its data events on; OPERATING.md, "Who did it", has the selector')
  })
}

type Trail = Record<'Name' | 'TrailARN', string> & { HomeRegion?: string }

/** The older kind, and the newer. */
interface Selectors {
  EventSelectors?: { DataResources?: object[] }[]
  AdvancedEventSelectors?: object[]
}

/** Whichever kind: a selector of functions names some, or means all. One with exceptions is not looked into. */
function covers(selectors: Selectors, functionName: string): boolean {
  const { EventSelectors = [], AdvancedEventSelectors = [] } = selectors
  const older = EventSelectors.flatMap(({ DataResources = [] }) => DataResources)
  const arns = [...older, ...AdvancedEventSelectors]
    .map((one) => JSON.stringify(one))
    .filter((text) => text.includes('"AWS::Lambda::Function"') && !text.includes('"Not'))
    .flatMap((text) => text.match(/arn:[^"]+/g) ?? ['arn:aws:lambda'])
  return arns.some((arn) => functionName.startsWith(arn.split(':function:')[1] ?? ''))
}

/** By the small caller: the SDK's client would be a dependency for two calls. @throws when AWS does not answer plainly */
async function cloudTrail<Answer>(
  { region, credentials }: DeployedStack['aws'],
  operation: string,
  input: object,
): Promise<Answer> {
  const { accessKeyId, secretAccessKey, sessionToken } = await credentials()
  const endpoint = process.env.AWS_ENDPOINT_URL_CLOUDTRAIL ?? process.env.AWS_ENDPOINT_URL
  const environment = {
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(sessionToken && { AWS_SESSION_TOKEN: sessionToken }),
    ...(endpoint && { [service.endpointVariable]: endpoint }),
  }
  const caller = serviceCaller({ environment, clock: Date.now, noteSdk: () => {} }, service)
  return call<Answer>(caller, { operation, input, ms: 15_000 }, () =>
    Promise.reject(new Refused(`AWS refused, or did not answer: let these credentials ${permissions}.`)),
  ).finally(() => caller.agent.destroy())
}

const service = {
  name: 'cloudtrail',
  target: 'com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101',
  contentType: 'application/x-amz-json-1.1',
  endpointVariable: 'AWS_ENDPOINT_URL_CLOUDTRAIL',
} as const
