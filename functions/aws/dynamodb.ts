import { type AwsDeps, call, serviceCaller, wasIdle } from './caller.ts'
import type { TableClient } from './dynamodb-sdk.ts'

const service = {
  name: 'dynamodb',
  target: 'DynamoDB_20120810',
  contentType: 'application/x-amz-json-1.0',
  endpointVariable: 'AWS_ENDPOINT_URL_DYNAMODB',
} as const

/** Each attempt, of the one without the SDK and the SDK's two, takes at most `attempt` ms. */
export function dynamoDb(deps: AwsDeps, attempt: number): TableClient {
  const caller = serviceCaller(deps, service)
  let loaded: Promise<TableClient> | undefined
  function sdk(): Promise<TableClient> {
    if (wasIdle(caller)) loaded = undefined
    loaded ??= import('./dynamodb-sdk.ts').then(({ sdkDynamoDb }) =>
      sdkDynamoDb(attempt, { keepAlive: caller.endpoint === undefined }),
    )
    return loaded
  }
  const item = (operation: string, input: object) => ({ operation, input, ms: attempt })
  return {
    getItem: (input) => call(caller, item('GetItem', input), async () => (await sdk()).getItem(input)),
    putItem: (input) => call(caller, item('PutItem', input), async () => (await sdk()).putItem(input)),
    updateItem: (input) =>
      call(caller, item('UpdateItem', input), async () => (await sdk()).updateItem(input)),
    // Cleanup and the operator alone ask these.
    query: async (input) => (await sdk()).query(input),
    scan: async (input) => (await sdk()).scan(input),
  }
}
