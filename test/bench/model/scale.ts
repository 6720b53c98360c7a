import { holderShards } from '../../../functions/table/keys.ts'
import { times } from '../../../functions/times.ts'
import { quotas } from './prices.ts'
import { recordBytes } from './record.ts'
import { accounts, indexWriteLimit, mixed, uses } from './vend.ts'

/** What breaks first: the use of each part at a rate, over what it gives by default. */
export interface Strain {
  part: string
  used: number
  limit: number
  unit: string
}

/** @param rate vends per second */
export function strains(rate: number, shares: { extend: number; create: number }): Strain[] {
  const use = mixed(shares)
  return [
    { part: 'HTTP API', used: rate, limit: quotas.httpApiRequests, unit: 'requests/s' },
    {
      part: 'Lambda: environments at once',
      used: rate * use.seconds,
      limit: quotas.lambdaConcurrency,
      unit: '',
    },
    {
      part: 'Lambda: requests',
      used: rate,
      limit: quotas.lambdaConcurrency * quotas.lambdaRequestsPerConcurrency,
      unit: '/s',
    },
    { part: 'Table: reads', used: rate * use.reads, limit: quotas.tableReadUnits, unit: 'units/s' },
    {
      part: 'Table: writes',
      used: rate * (use.writes + use.indexWrites),
      limit: quotas.tableWriteUnits,
      unit: 'units/s',
    },
    {
      part: 'Index `due`: 16 shards, then the table is pushed back',
      used: rate * use.indexWrites,
      limit: indexWriteLimit(quotas.partitionWriteUnits),
      unit: 'units/s',
    },
  ].toSorted((one, other) => other.used / other.limit - one.used / one.limit)
}

/** Seconds until Lambda has grown to what a jump to this rate needs, everybody at a first request. */
export function rampSeconds(rate: number): number {
  return (10 * rate * uses.create.seconds) / quotas.lambdaRamp
}

/** Client sessions that cleaning up can end in a day: each takes a delete and, after the grace, a list. */
export function endedPerDay(callsPerSecond: number): number {
  // A run never lasts longer than four fifths of its schedule, see times.ts.
  return (86_400 * callsPerSecond * (4 / 5)) / 2
}

/**
 * Fetches of an issuer's key set when its keys are rotated: the first environment that meets the new key looks in the
 * table, fetches, and writes; whoever meets it in those seconds fetches too, an environment each.
 */
export function fetchesAtRotation(rate: number, environments: number, fetchSeconds = 0.2): number {
  return Math.min(environments, Math.max(1, rate * fetchSeconds))
}

/** Calls to Seam per second: users who are there, each extended once in a lifetime less the margin. */
export function seamCallsPerSecond(users: number, lifetimeSeconds: number): number {
  const margin = Math.min(times.refreshMargin / 1000, lifetimeSeconds / 5)
  return users / (lifetimeSeconds - margin)
}

/** So many users behind one connected account, as of a building: their names stand in sets, a shard in each item. */
export interface OneAccount {
  /** Bytes of one shard's item; DynamoDB ends it at 400 KB. */
  shardBytes: number
  /** Write units of one grant: adding to a set costs by the whole item. And with the record's own two writes. */
  grantUnits: number
  /** Write units for all, once Seam has deleted the account: each record, its entry in `due`, and who is done. */
  deletionUnits: number
  /** Seconds until the table's quota has taken them. */
  deletionSeconds: number
  /** Hours until cleanup has ended everybody's client session; it opens the deleted account no more than Seam does. */
  cleanupHours: number
}

const ownerBytes = 22
/** Owners noted as done in one write, as in functions/accounts/deleted.ts. */
const noted = 100

export function behindOneAccount(users: number, callsPerSecond: number): OneAccount {
  const perShard = users / holderShards
  const shardBytes = perShard * ownerBytes
  const units = (bytes: number) => Math.ceil(bytes / 1024)
  const record = units(recordBytes(accounts))
  // On average the set of those who are done is half full.
  const notes = holderShards * Math.ceil(perShard / noted) * units(shardBytes / 2)
  const deletionUnits = users * (record + 2) + notes
  return {
    shardBytes,
    grantUnits: units(shardBytes) + 2 * record,
    deletionUnits,
    deletionSeconds: deletionUnits / quotas.tableWriteUnits,
    cleanupHours: (24 * users) / endedPerDay(callsPerSecond),
  }
}
