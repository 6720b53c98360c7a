import { requestSigner } from '../../../functions/aws/signature.ts'
import type { DeployedStack } from '../aws/stack.ts'
import { type Finding, good, look, unknown } from './finding.ts'

/** Whether CloudTrail knows who invokes the admin function; without that, `by` in the audit is what they claim. */
export async function trailFinding({ aws, outputs }: DeployedStack): Promise<Finding> {
  const what = 'who did it'
  try {
    const { trailList } = await cloudTrail<{ trailList: Trail[] }>(aws, 'DescribeTrails', {})
    for (const { Name, TrailARN, HomeRegion: region = aws.region } of trailList) {
      const selectors = await cloudTrail<Selectors>({ ...aws, region }, 'GetEventSelectors', {
        TrailName: TrailARN,
      })
      if (covers(selectors, outputs.AdminFunction))
        return good(what, `the trail ${Name} records who invokes the admin function`)
    }
    const said = 'no trail of CloudTrail records who invokes the admin function'
    return look(what, said, 'switch its data events on; OPERATING.md, "Who did it", has the selector')
  } catch (error) {
    const said = `not checked (${error instanceof Error ? error.message : 'unknown'})`
    return unknown(what, said, 'let these credentials cloudtrail:DescribeTrails and GetEventSelectors')
  }
}

interface Trail {
  Name: string
  TrailARN: string
  HomeRegion?: string
}

/** The older kind, and the newer. */
interface Selectors {
  EventSelectors?: { DataResources?: { Type: string; Values: string[] }[] }[]
  AdvancedEventSelectors?: {
    FieldSelectors: { Field: string; Equals?: string[]; StartsWith?: string[] }[]
  }[]
}

const lambda = 'AWS::Lambda::Function'

function covers(selectors: Selectors, functionName: string): boolean {
  // "arn:aws:lambda" stands for every function.
  const names = (arn: string) => functionName.startsWith(arn.split(':function:')[1] ?? '')
  const older = selectors.EventSelectors?.flatMap(({ DataResources = [] }) => DataResources) ?? []
  const newer = selectors.AdvancedEventSelectors?.map(({ FieldSelectors }) => FieldSelectors) ?? []
  return (
    older.some(({ Type, Values }) => Type === lambda && Values.some(names)) ||
    newer.some(
      (fields) =>
        fields.some(({ Field, Equals }) => Field === 'resources.type' && Equals?.includes(lambda)) &&
        fields
          .filter(({ Field }) => Field === 'resources.ARN')
          .every(({ Equals = [], StartsWith = [] }) => [...Equals, ...StartsWith].some(names)),
    )
  )
}

/** Its client is no dependency for two calls. @throws an error whose message is AWS's name for it */
async function cloudTrail<Answer>(
  { region, credentials }: DeployedStack['aws'],
  operation: string,
  input: object,
): Promise<Answer> {
  const { AWS_ENDPOINT_URL_CLOUDTRAIL, AWS_ENDPOINT_URL, AWS_USE_FIPS_ENDPOINT } = process.env
  const host = `cloudtrail${AWS_USE_FIPS_ENDPOINT === 'true' ? '-fips' : ''}.${region}.amazonaws.com`
  const url = new URL(AWS_ENDPOINT_URL_CLOUDTRAIL ?? AWS_ENDPOINT_URL ?? `https://${host}`)
  const body = JSON.stringify(input)
  const { accessKeyId, secretAccessKey, sessionToken } = await credentials()
  const signed = {
    'content-type': 'application/x-amz-json-1.1',
    host: url.host,
    'x-amz-date': new Date().toISOString().replace(/[-:]|\.\d{3}/g, ''),
    ...(sessionToken !== undefined && { 'x-amz-security-token': sessionToken }),
    'x-amz-target': `com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.${operation}`,
  }
  const sign = requestSigner({ region, service: 'cloudtrail' })
  const authorization = sign(signed, body, { accessKeyId, secretAccessKey, sessionToken })
  const signal = AbortSignal.timeout(15_000)
  const response = await fetch(url.origin, {
    method: 'POST',
    headers: { ...signed, authorization },
    body,
    signal,
  })
  const answer = (await response.json().catch(() => ({}))) as Answer & { __type?: string }
  if (!response.ok) throw new Error(answer.__type?.split('#').at(-1) ?? `HTTP ${response.status}`)
  return answer
}
