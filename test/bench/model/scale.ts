import { holderShards, tableShape } from '../../../functions/table/keys.ts'
import { times } from '../../../functions/times.ts'
import { quotas } from './prices.ts'
import { recordBytes } from './record.ts'
import { accounts, mixed, type Shares, usesWith } from './vend.ts'

/** What breaks first: the use of each part at a rate in vends per second, over what it gives by default. */
export function strains(rate: number, shares: Shares) {
  const { seconds, reads, writes, indexWrites } = mixed(shares)
  const { lambdaConcurrency, lambdaRequestsPerConcurrency } = quotas
  const each: [part: string, used: number, limit: number][] = [
    ['HTTP API', rate, quotas.httpApiRequests],
    ['Lambda: environments at once', rate * seconds, lambdaConcurrency],
    ['Lambda: requests', rate, lambdaConcurrency * lambdaRequestsPerConcurrency],
    ['Table: reads', rate * reads, quotas.tableReadUnits],
    ['Table: writes', rate * (writes + indexWrites), quotas.tableWriteUnits],
    // When its shards are busy, the table itself is pushed back.
    ['Index `due`', rate * indexWrites, tableShape.due.shards * quotas.partitionWriteUnits],
  ]
  const found = each.map(([part, used, limit]) => ({ part, used, limit }))
  return found.toSorted((one, other) => other.used / other.limit - one.used / one.limit)
}

/** Seconds until Lambda has grown to what a jump to this rate needs, everybody at a first request. */
export function rampSeconds(rate: number): number {
  return (10 * rate * usesWith(1).create.seconds) / quotas.lambdaRamp
}

/** Client sessions that cleaning up can end in a day: each takes a delete and, after the grace, a list. */
export function endedPerDay(callsPerSecond: number): number {
  // A run never lasts longer than four fifths of its schedule, see times.ts.
  return (86_400 * callsPerSecond * (4 / 5)) / 2
}

/** Calls to Seam per second: users who are there, each extended once in a lifetime less the margin. */
export function seamCallsPerSecond(users: number, lifetimeSeconds: number): number {
  const margin = Math.min(times.refreshMargin / 1000, lifetimeSeconds / 5)
  return users / (lifetimeSeconds - margin)
}

const ownerBytes = 22
/** Owners noted as done in one write, as in functions/accounts/deleted.ts. */
const noted = 100

/** So many users behind one connected account, as of a building: their names stand in sets, a shard in each item. */
export function behindOneAccount(users: number, callsPerSecond: number) {
  const perShard = users / holderShards
  const shardBytes = perShard * ownerBytes
  const units = (bytes: number) => Math.ceil(bytes / 1024)
  const record = units(recordBytes(accounts))
  // On average the set of those who are done is half full.
  const notes = holderShards * Math.ceil(perShard / noted) * units(shardBytes / 2)
  // Each record, its entry in `due`, and who is done.
  const deletionUnits = users * (record + 2) + notes
  return {
    /** Bytes of one shard's item; DynamoDB ends it at 400 KB. */
    shardBytes,
    /** Of one grant: adding to a set costs by the whole item; and the record's own two writes. */
    grantUnits: units(shardBytes) + 2 * record,
    /** For all, once Seam has deleted the account. */
    deletionUnits,
    /** Until the table's quota has taken them. */
    deletionSeconds: deletionUnits / quotas.tableWriteUnits,
    /** Until cleanup has ended everybody's client session; it opens the deleted account no more than Seam does. */
    cleanupHours: (24 * users) / endedPerDay(callsPerSecond),
  }
}
