import { tableShape } from '../../../functions/table/shape.ts'
import { prices } from './prices.ts'
import { recordBytes } from './record.ts'

/** What one vend uses, by its verdict. The counts are held by tests; times and bytes were measured, see results.json. */
export interface Use {
  /** Read request units: the record is under 4 kB. */
  reads: number
  /** Write request units: each of the two writes costs by the whole record. */
  writes: number
  /** Entries of the index `due` that a write puts, moves (two) or deletes. */
  indexWrites: number
  seamCalls: number
  /** Seconds that Lambda bills, at the shipped memory. */
  seconds: number
}

/** MB of the vend function; a test holds it. */
export const shippedMemory = 1024
export const memoryGb = shippedMemory / 1024
/** Seconds that a call to Seam takes; undocumented, so a guess to be replaced by one's own. */
export const seamSeconds = 0.25

/** Connected accounts of an average user. */
export const accounts = 3

/** @param logins of a user, each with a client session of its own in the one record */
export function usesWith(logins: number): Record<'reuse' | 'extend' | 'create', Use> {
  const bytes = recordBytes(accounts, logins)
  const reads = Math.ceil(bytes / 4096)
  const writes = 2 * Math.ceil(bytes / 1024)
  const called = { reads, writes, seamCalls: 1, seconds: 0.02 + seamSeconds }
  return {
    reuse: { reads, writes: 0, indexWrites: 0, seamCalls: 0, seconds: 0.008 },
    extend: { ...called, indexWrites: 0 },
    // The claim puts an entry (the lease may be abandoned), the commit moves it to the longest age.
    create: { ...called, indexWrites: 3 },
  }
}

export const uses = usesWith(1)

/** Bytes of one audit line with what Lambda wraps around it, and of one answer with its headers and TLS. */
const logBytes = 650
const answerBytes = 1500

export interface Bill {
  'HTTP API': number
  Lambda: number
  DynamoDB: number
  Logs: number
  'Data out': number
}

export type Shares = { extend: number; create: number }

/** USD per million vends of which these shares extend or create; the rest reuse. */
export function billPerMillion(shares: Shares, logins = 1): Bill {
  return millionTimes(mixed(shares, usesWith(logins)))
}

/** USD per million of such requests. */
export function millionTimes(use: Use): Bill {
  const million = 1_000_000
  return {
    'HTTP API': million * prices.httpApiRequest,
    Lambda: million * (prices.lambdaRequest + use.seconds * memoryGb * prices.lambdaGbSecond),
    DynamoDB: million * (use.reads * prices.readUnit + (use.writes + use.indexWrites) * prices.writeUnit),
    Logs: (million * logBytes * prices.logGb) / 1e9,
    'Data out': (million * answerBytes * prices.outGb) / 1e9,
  }
}

/** The use of an average vend. */
export function mixed({ extend, create }: Shares, uses = usesWith(1)): Use {
  const shares = { reuse: 1 - extend - create, extend, create }
  const of = (what: keyof Use) =>
    shares.reuse * uses.reuse[what] + shares.extend * uses.extend[what] + shares.create * uses.create[what]
  return {
    reads: of('reads'),
    writes: of('writes'),
    indexWrites: of('indexWrites'),
    seamCalls: of('seamCalls'),
    seconds: of('seconds'),
  }
}

/** Index writes per second that its partitions take before the table itself is pushed back. */
export const indexWriteLimit = (partitionWriteUnits: number) => tableShape.due.shards * partitionWriteUnits
