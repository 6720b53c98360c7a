import { parentPort, workerData } from 'node:worker_threads'
import { pages } from '../../infra/cli/tool.ts'
import { adminOver, callerOf } from '../functions/operator/world.ts'
import type { Addresses } from '../functions/wiring.ts'

/** Counts the users of all pages of a command, as the command line asks for them, in a worker that can be watched. */
export interface PagesOrder {
  addresses: Addresses
  command: 'list' | 'export'
}

const { addresses, command } = workerData as PagesOrder
const callAdmin = callerOf(adminOver(addresses).administer)
let users = 0
for await (const page of pages((next) => callAdmin(command, next))) users += page.users.length
parentPort?.postMessage(users)
