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
/** Seconds that a call to Seam takes; undocumented, so a guess to be replaced by one's own. */
const seamSeconds = 0.25

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

/** Of all vends; the rest reuse. */
export interface Shares {
  extend: number
  create: number
}

/** The use of an average vend. */
export function mixed({ extend, create }: Shares, logins = 1): Use {
  const uses = usesWith(logins)
  const of = (what: keyof Use) =>
    (1 - extend - create) * uses.reuse[what] + extend * uses.extend[what] + create * uses.create[what]
  return {
    reads: of('reads'),
    writes: of('writes'),
    indexWrites: of('indexWrites'),
    seamCalls: of('seamCalls'),
    seconds: of('seconds'),
  }
}

/** USD per million vends. */
export const billPerMillion = (shares: Shares, logins = 1) => millionTimes(mixed(shares, logins))

/** Bytes of one audit line with what Lambda wraps around it, and of one answer with its headers and TLS. */
const logBytes = 650
const answerBytes = 1500

/** USD per million of such requests. */
export function millionTimes({ reads, writes, indexWrites, seconds }: Use) {
  const million = 1_000_000
  const gbSeconds = seconds * (shippedMemory / 1024)
  return {
    'HTTP API': million * prices.httpApiRequest,
    Lambda: million * (prices.lambdaRequest + gbSeconds * prices.lambdaGbSecond),
    DynamoDB: million * (reads * prices.readUnit + (writes + indexWrites) * prices.writeUnit),
    Logs: (million * logBytes * prices.logGb) / 1e9,
    'Data out': (million * answerBytes * prices.outGb) / 1e9,
  }
}
