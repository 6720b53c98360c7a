import { parentPort, workerData } from 'node:worker_threads'
import { pages } from '../../infra/cli/tool.ts'
import { adminOver, callerOf } from '../functions/operator/world.ts'
import type { Addresses } from '../functions/wiring.ts'

/** All pages of a command, in a worker whose memory can be watched, as the command line asks for them. */
export interface PagesOrder {
  addresses: Addresses
  command: 'list' | 'export'
}
export interface PagesRead {
  users: number
}

const { addresses, command } = workerData as PagesOrder
const { administer } = adminOver(addresses)
const callAdmin = callerOf(administer)
let users = 0
for await (const page of pages((next) => callAdmin(command, next))) users += page.users.length
parentPort?.postMessage({ users } satisfies PagesRead)
