import { randomUUID } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { cleanUp } from '../../../functions/cleanup/run.ts'
import { deadlineIn } from '../../../functions/http/deadline.ts'
import { seamClient } from '../../../functions/seam/client.ts'
import type { Terms } from '../../../functions/session/terms.ts'
import { vendingTable } from '../../../functions/table/table.ts'
import { times } from '../../../functions/times.ts'
import { localDynamoDbClient } from '../../../infra/local/dynamodb.ts'
import { patient } from '../patient.ts'

/** A run in a worker, whose memory can be limited. */

export interface OneRun {
  dynamoDb: string
  tableName: string
  seam: string
  apiKey: string
  terms: Omit<Terms, 'times'>
}

const { dynamoDb, tableName, seam, apiKey, terms } = workerData as OneRun
const deps = {
  table: vendingTable({ client: localDynamoDbClient(dynamoDb), tableName }),
  seam: seamClient({ endpoint: seam, apiKey: async () => apiKey, times: patient }),
  clock: Date.now,
  uuid: randomUUID,
  random: Math.random,
  sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
  terms: { ...terms, times },
  rate: { callsPerSecond: Number.POSITIVE_INFINITY, concurrency: 8 },
}
// However busy the machine is: this is about memory.
parentPort?.postMessage(await cleanUp(deps, { deadline: deadlineIn(3_600_000, Date.now) }))
