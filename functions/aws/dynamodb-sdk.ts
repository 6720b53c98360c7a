import {
  DeleteItemCommand,
  DynamoDBClient,
  type DynamoDBClientConfig,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { TableClient } from './dynamodb.ts'

/** DynamoDB through the SDK, imported when it is needed. `keepAlive`: without it no request meets a dead connection. */
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
    deleteItem: (input) => client.send(new DeleteItemCommand(input)),
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
