import { createServer, type IncomingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'
import { laterOutputs, outputs, type StackOutputs } from '../../../../infra/stack/outputs.ts'
import { listen, stopListening } from '../../../loopback.ts'

export const region = 'eu-central-1'

/** AWS, as far as the operator's commands see it. */
export interface Cloud {
  /** For a command in a process of its own: where AWS is, and who asks. */
  environment: Record<string, string>
  stacks: Map<string, StackOutputs>
  /** Of any stack's template. */
  metadata: object
  /** By id: what deleted stacks had, as type, logical id, physical id, and status. */
  deleted: Map<string, [string, string, string, string?][]>
  /** Of the one trail of CloudTrail. */
  eventSelectors: object
  /** By name: what invoking a function comes to. */
  functions: Map<string, (event: unknown) => Promise<unknown>>
  /** By name of the log group. */
  logs: Map<string, string[]>
  /** By ARN. */
  secrets: Map<string, string>
  /** Who hears of alarms: those that have confirmed, and those that have yet to. */
  subscriptions: { confirmed: number; pending: number }
  /** The workspace that the table's records belong to; absent: there are none yet. */
  workspaceId?: string
  /** IAM actions that these credentials may not do. */
  denied: Set<string>
  /** Error names that the next calls get in place of an answer. */
  failures: { name: string; status: number }[]
  /** As IAM names them, in order. */
  calls: string[]
  close(): Promise<void>
}

/** Fails as AWS does, with an error's name. */
class Refused extends Error {
  readonly status: number
  constructor(name: string, status = 400) {
    super(name)
    this.name = name
    this.status = status
  }
}

/** A function's own failure, as Lambda tells it. */
export class FunctionError extends Error {}

interface Reply {
  headers?: Record<string, string>
  body: string
}

/** CloudFormation, Lambda, CloudWatch Logs, Secrets Manager, SNS and one item of DynamoDB: the calls of the commands, as AWS's own SDK sends them. */
export async function startCloud(): Promise<Cloud> {
  const server = createServer(async (request, response) => {
    const body = await text(request)
    try {
      const { headers = {}, body: answer } = await answerTo(request.url ?? '', request.headers, body)
      response.writeHead(200, headers).end(answer)
    } catch (error) {
      const { name, status } = error instanceof Refused ? error : new Refused('InternalFailure', 500)
      const isQuery = new URLSearchParams(body).has('Action')
      response
        .writeHead(status, { 'x-amzn-errortype': name })
        .end(isQuery ? xmlError(name) : JSON.stringify({ __type: name, message: 'said by AWS' }))
    }
  })

  async function answerTo(url: string, headers: IncomingHttpHeaders, body: string): Promise<Reply> {
    const [service, , operation] = callOf(url, headers, body)
    const action = `${service}:${operation}`
    cloud.calls.push(action)
    const failure = cloud.failures.shift()
    if (failure !== undefined) throw new Refused(failure.name, failure.status)
    const scope = `/${region}/${service}/aws4_request`
    if (headers.authorization?.includes(scope) !== true) throw new Refused('InvalidSignatureException', 403)
    if (cloud.denied.has(action)) throw new Refused('AccessDeniedException', 403)
    if (operation === 'GetTemplateSummary') return templateSummary()
    if (operation === 'ListStacks') return deletedStacks()
    if (operation === 'DescribeStackResources')
      return keptResources(new URLSearchParams(body).get('StackName') ?? '')
    if (service === 'cloudtrail') return { body: JSON.stringify(trailCall(operation)) }
    if (service === 'cloudformation') return describeStacks(new URLSearchParams(body).get('StackName') ?? '')
    if (service === 'sns') return topicAttributes()
    if (service === 'lambda') return invoke(decodeURIComponent(url.split('/')[3] ?? ''), body)
    const input = JSON.parse(body)
    if (service === 'logs') return { body: JSON.stringify(filterLogEvents(input)) }
    if (service === 'dynamodb') return { body: JSON.stringify(getItem(input)) }
    return { body: JSON.stringify(secretCall(operation, input)) }
  }

  function describeStacks(name: string): Reply {
    const stack = cloud.stacks.get(name)
    if (stack === undefined) throw new Refused('ValidationError')
    const members = Object.entries(stack).map(
      ([key, value]) =>
        `<member><OutputKey>TokenVending${key}0A1B2C3D</OutputKey><OutputValue>${value}</OutputValue></member>`,
    )
    return {
      body: `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member><StackName>${name}</StackName><StackStatus>CREATE_COMPLETE</StackStatus><CreationTime>2026-01-01T00:00:00Z</CreationTime><Outputs>${members.join('')}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
    }
  }

  function templateSummary(): Reply {
    const metadata = JSON.stringify(cloud.metadata)
    return {
      body: `<GetTemplateSummaryResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><GetTemplateSummaryResult><Metadata>${metadata}</Metadata></GetTemplateSummaryResult></GetTemplateSummaryResponse>`,
    }
  }

  function deletedStacks(): Reply {
    const members = [...cloud.deleted.keys()].map(
      (id) =>
        `<member><StackName>${id.split('/')[1]}</StackName><StackId>${id}</StackId><StackStatus>DELETE_COMPLETE</StackStatus><CreationTime>2026-01-01T00:00:00Z</CreationTime></member>`,
    )
    return {
      body: `<ListStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><ListStacksResult><StackSummaries>${members.join('')}</StackSummaries></ListStacksResult></ListStacksResponse>`,
    }
  }

  function keptResources(id: string): Reply {
    const members = (cloud.deleted.get(id) ?? []).map(
      ([type, logical, physical, status = 'DELETE_SKIPPED']) =>
        `<member><ResourceType>${type}</ResourceType><LogicalResourceId>${logical}</LogicalResourceId><PhysicalResourceId>${physical}</PhysicalResourceId><ResourceStatus>${status}</ResourceStatus><Timestamp>2026-01-01T00:00:00Z</Timestamp></member>`,
    )
    return {
      body: `<DescribeStackResourcesResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStackResourcesResult><StackResources>${members.join('')}</StackResources></DescribeStackResourcesResult></DescribeStackResourcesResponse>`,
    }
  }

  function trailCall(operation: string): object {
    if (operation === 'GetEventSelectors') return cloud.eventSelectors
    return { trailList: [{ Name: 'all', TrailARN: 'the-trail', HomeRegion: region }] }
  }

  function topicAttributes(): Reply {
    const { confirmed, pending } = cloud.subscriptions
    const entries = Object.entries({ SubscriptionsConfirmed: confirmed, SubscriptionsPending: pending }).map(
      ([key, value]) => `<entry><key>${key}</key><value>${value}</value></entry>`,
    )
    return {
      body: `<GetTopicAttributesResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><GetTopicAttributesResult><Attributes>${entries.join('')}</Attributes></GetTopicAttributesResult></GetTopicAttributesResponse>`,
    }
  }

  async function invoke(name: string, body: string): Promise<Reply> {
    const run = cloud.functions.get(name)
    if (run === undefined) throw new Refused('ResourceNotFoundException', 404)
    try {
      return { body: JSON.stringify(await run(JSON.parse(body))) }
    } catch (error) {
      if (!(error instanceof FunctionError)) throw error
      const said = { errorType: error.message, errorMessage: 'said by the function' }
      return { headers: { 'x-amz-function-error': 'Unhandled' }, body: JSON.stringify(said) }
    }
  }

  /** A page after every second line, also when none of the two is wanted. */
  function filterLogEvents(input: { logGroupName: string; filterPattern: string; nextToken?: string }) {
    const lines = cloud.logs.get(input.logGroupName)
    if (lines === undefined) throw new Refused('ResourceNotFoundException')
    const start = Number(input.nextToken ?? 0)
    const events = lines.slice(start, start + 2).flatMap((message) =>
      // A pattern in quotes is looked for as it stands.
      message.includes(JSON.parse(input.filterPattern))
        ? [{ message, timestamp: start, logStreamName: 'one' }]
        : [],
    )
    return { events, ...(start + 2 < lines.length && { nextToken: String(start + 2) }) }
  }

  function getItem({ Key }: { Key: { item: { S: string } } }) {
    if (cloud.workspaceId === undefined || Key.item.S !== 'settings') return {}
    return { Item: { ...Key, workspace_id: { S: cloud.workspaceId }, key_prefix: { S: 'doors-abcdefgh' } } }
  }

  function secretCall(operation: string, input: { SecretId: string; SecretString?: string }) {
    if (operation === 'PutSecretValue') cloud.secrets.set(input.SecretId, input.SecretString ?? '')
    const SecretString = cloud.secrets.get(input.SecretId)
    if (SecretString === undefined) throw new Refused('ResourceNotFoundException')
    return { ARN: input.SecretId, ...(operation === 'GetSecretValue' && { SecretString }) }
  }

  const url = await listen(server, 0, 'AWS')
  const cloud: Cloud = {
    environment: {
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: 'AKIAOPERATOR',
      AWS_SECRET_ACCESS_KEY: 'secret',
      ...withoutFiles,
      AWS_ENDPOINT_URL: url,
      AWS_MAX_ATTEMPTS: '1',
    },
    stacks: new Map(),
    metadata: {},
    deleted: new Map(),
    eventSelectors: {},
    functions: new Map(),
    logs: new Map(),
    secrets: new Map(),
    subscriptions: { confirmed: 1, pending: 0 },
    denied: new Set(),
    failures: [],
    calls: [],
    close: () => stopListening(server),
  }
  return cloud
}

/** What the tester's own machine knows of AWS must not matter. */
export const withoutFiles = {
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
}

function callOf(url: string, headers: IncomingHttpHeaders, body: string): [string, string, string] {
  const target = /(\w+?)(?:_\d+)?\.(\w+)$/.exec(String(headers['x-amz-target'] ?? ''))
  if (target !== null) return [target[1]?.toLowerCase() ?? '', url, target[2] ?? '']
  if (url.endsWith('/invocations')) return ['lambda', url, 'InvokeFunction']
  const action = new URLSearchParams(body).get('Action') ?? ''
  return [action === 'GetTopicAttributes' ? 'sns' : 'cloudformation', url, action]
}

const xmlError = (code: string) =>
  `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>said by AWS</Message></Error><RequestId>r</RequestId></ErrorResponse>`

/** Outputs with a value each, for tests that need only some of them. */
export function someOutputs(own: Partial<StackOutputs> = {}): StackOutputs {
  const all = Object.fromEntries(
    Object.keys({ ...outputs, ...laterOutputs }).map((name) => [name, `the-${name}`]),
  )
  return { ...(all as StackOutputs), ...own }
}
