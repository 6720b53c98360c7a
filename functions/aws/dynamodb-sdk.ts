import type * as Sdk from '@aws-sdk/client-dynamodb'
import {
  DynamoDBClient,
  type DynamoDBClientConfig,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'

/** DynamoDB as far as we use it; the SDK's own `DynamoDB` fits. */
export interface TableClient {
  getItem(input: Sdk.GetItemCommandInput): Promise<Pick<Sdk.GetItemCommandOutput, 'Item'>>
  putItem(input: Sdk.PutItemCommandInput): Promise<unknown>
  updateItem(input: Sdk.UpdateItemCommandInput): Promise<Pick<Sdk.UpdateItemCommandOutput, 'Attributes'>>
  query(input: Sdk.QueryCommandInput): Promise<Pages>
  scan(input: Sdk.ScanCommandInput): Promise<Pages>
}
type Pages = Pick<Sdk.QueryCommandOutput, 'Items' | 'LastEvaluatedKey'>

/**
 * DynamoDB through the SDK, imported when it is needed; by single commands, since the SDK's `DynamoDB` brings all of them,
 * and takes a fifth longer to load. `keepAlive`: without it no request meets a dead connection.
 */
export function sdkDynamoDb(attempt: number, { keepAlive }: { keepAlive: boolean }): TableClient {
  const { maxAttempts, requestHandler } = sdkAttempts(attempt)
  const client = new DynamoDBClient({
    maxAttempts,
    requestHandler: { ...requestHandler, httpsAgent: { keepAlive }, httpAgent: { keepAlive } },
  })
  return {
    getItem: (input) => client.send(new GetItemCommand(input)),
    putItem: (input) => client.send(new PutItemCommand(input)),
    updateItem: (input) => client.send(new UpdateItemCommand(input)),
    query: (input) => client.send(new QueryCommand(input)),
    scan: (input) => client.send(new ScanCommand(input)),
  }
}

/** Two attempts. An answer that has begun is waited for by its socket, no longer by the request. */
export function sdkAttempts(attempt: number) {
  return {
    maxAttempts: 2,
    requestHandler: {
      connectionTimeout: attempt,
      requestTimeout: attempt,
      socketTimeout: attempt,
      throwOnRequestTimeout: true,
    },
  } satisfies DynamoDBClientConfig
}
