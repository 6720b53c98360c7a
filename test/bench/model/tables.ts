import { readConfiguration } from '../../../functions/config.ts'
import { holderShards } from '../../../functions/table/keys.ts'
import { times } from '../../../functions/times.ts'
import { exampleConfiguration } from '../../infra/stack/stack.ts'
import { table, thousands } from '../markdown.ts'
import { sum } from '../statistics.ts'
import { idleBill } from './idle.ts'
import { prices, quotas } from './prices.ts'
import { recordBytes } from './record.ts'
import { behindOneAccount, endedPerDay, rampSeconds, seamCallsPerSecond, strains } from './scale.ts'
import {
  accounts,
  billPerMillion,
  millionTimes,
  mixed,
  type Shares,
  shippedMemory,
  usesWith,
} from './vend.ts'
import { type Wave, wave } from './wave.ts'

/** The model's tables, for the READMEs. */

const { clientSession, cleanup } = readConfiguration(exampleConfiguration)
const { lifetimeSeconds, longestAgeSeconds } = clientSession
/** The most `cleanup.callsPerSecond` that can be configured. */
const mostCalls = 100

/** Two ways of use, as shares of vends that extend and that create, and the floor. */
const margin = Math.min(times.refreshMargin / 1000, lifetimeSeconds / 5)
const vendsPerAge = longestAgeSeconds / (lifetimeSeconds - margin)
const usages = {
  'pages that come and go: 5 vends to a client session': { extend: 0, create: 1 / 5 },
  'pages that stay open: each vend extends': { extend: 1 - 1 / vendsPerAge, create: 1 / vendsPerAge },
  'reuse alone, the floor': { extend: 0, create: 0 },
}
const [comingAndGoing] = Object.values(usages) as [Shares]

export function modelTables(): string {
  return [
    costTable(),
    idleSentence(),
    twoLogins(),
    ...strainTable(),
    ...seamTable(),
    oneAccount(),
    ...waveTable(),
  ].join('\n\n')
}

/** USD per million vends, for each usage. */
const bills = (logins = 1) =>
  Object.values(usages).map((shares) => sum(Object.values(billPerMillion(shares, logins))).toFixed(2))

/** What it costs, in a sentence. */
export function costSentence(): string {
  const [usual, , least] = bills()
  const idle = sum(idleBill(cleanup.everyMinutes).parts.map(({ usd }) => usd))
  return `**Costs**, at list prices: ${least} USD per million vends that reuse a token, ${usual} with a new client session every fifth vend; a stack that nobody uses ${idle.toFixed(2)} USD a month.`
}

function costTable(): string {
  const rows = Object.entries(usages).map(([name, shares]) => {
    const bill = Object.values(billPerMillion(shares))
    const seam = `${(100 * mixed(shares).seamCalls).toFixed(0)} %`
    return [name, ...[...bill, sum(bill)].map((usd) => usd.toFixed(2)), seam]
  })
  const parts = Object.keys(billPerMillion(comingAndGoing))
  return table(['USD per million vends', ...parts, 'in all', 'calls to Seam'], rows)
}

function idleSentence(): string {
  const { parts, metricSeries, perSeries } = idleBill(cleanup.everyMinutes)
  const all = sum(parts.map(({ usd }) => usd))
  const named = parts.map(({ what, usd }) => `${what} ${usd.toFixed(2)}`).join(', ')
  return `**A stack that nobody uses: ${all.toFixed(2)} USD a month** (${named}). Up to ${metricSeries} further metric series cost ${perSeries.toFixed(2)} each in a month in which they have counted something, and the dashboard, an option, ${prices.dashboard.toFixed(2)} and 5 series more.`
}

function twoLogins(): string {
  const [one, two] = [recordBytes(accounts, 1), recordBytes(accounts, 2)]
  const units = (bytes: number) => Math.ceil(bytes / 1024)
  return `**Two logins per user**, each with a client session of its own in the one record: twice the client sessions and calls to Seam of the table below. The record grows from ${thousands(one)} to ${thousands(two)} bytes, so a write takes ${units(two)} units instead of ${units(one)}; the bills above become ${bills(2).join(', ')} USD instead of ${bills(1).join(', ')}.`
}

function strainTable(): string[] {
  const rows = [100, 10_000, 100_000].map((rate) => {
    const worst = strains(rate, comingAndGoing).slice(0, 3)
    const shown = worst.map(({ part, used, limit }) => `${part}: ${((100 * used) / limit).toFixed(0)} %`)
    return [thousands(rate), ...shown, `${rampSeconds(rate).toFixed(0)} s`]
  })
  return [
    `**What breaks first** with AWS’s default quotas and functions of ${shippedMemory} MB (pages that come and go); over 100 % it breaks`,
    table(['vends/s', 'first', 'then', 'then', 'Lambda grows in'], rows),
  ]
}

function seamTable(): string[] {
  const { callsPerSecond } = cleanup
  const rows = [1000, 100_000, 1_000_000].map((users) => [
    thousands(users),
    seamCallsPerSecond(users, lifetimeSeconds).toFixed(1),
    thousands((users * 86_400) / longestAgeSeconds),
  ])
  return [
    '**Seam and cleaning up**',
    table(
      ['users with an open page', 'calls to Seam per second', 'of them new client sessions per day'],
      rows,
    ),
    `Cleaning up ends at most ${thousands(endedPerDay(callsPerSecond))} client sessions a day with the default of ${callsPerSecond} calls to Seam per second, ${thousands(endedPerDay(mostCalls))} with the most that can be configured. What has merely expired it need not end in time: it opens nothing.`,
  ]
}

function oneAccount(): string {
  const users = 100_000
  const found = behindOneAccount(users, cleanup.callsPerSecond)
  const most = behindOneAccount(users, mostCalls)
  return `**${thousands(users)} users behind one account**: their names stand in ${holderShards} items of ${(found.shardBytes / 1024).toFixed(0)} KB each, of the 400 KB that DynamoDB allows; a grant takes ${found.grantUnits} write units (${(1e6 * found.grantUnits * prices.writeUnit).toFixed(0)} USD per million). When Seam deletes the account, all records are written: ${thousands(found.deletionUnits)} units, ${(found.deletionUnits * prices.writeUnit).toFixed(2)} USD, ${found.deletionSeconds.toFixed(0)} s at the table’s quota; cleaning up ends the client sessions, which no longer open that account at Seam, within ${found.cleanupHours.toFixed(0)} hours, or ${(60 * most.cleanupHours).toFixed(0)} minutes with the most calls that can be configured.`
}

const hour = 3600
const outageSeconds = hour / 2

function waveTable(): string[] {
  const users = 100_000
  const settings = {
    pages: 20_000,
    lifetimeSeconds,
    outageFrom: hour,
    outageTo: hour + outageSeconds,
    seconds: 6 * hour,
  }
  const on = wave({ ...settings, jitter: true })
  const off = wave({ ...settings, jitter: false })
  const steady = (1000 / (lifetimeSeconds - margin)).toFixed(2)
  const row = ({ peakSecond, echoSecond }: Wave) => [peakSecond.toFixed(1), echoSecond.toFixed(1), steady]
  return [
    '**The wave after an outage of half an hour**, requests in the busiest second per thousand open pages',
    table(
      ['', 'right after it', 'an hour and more later', 'steady'],
      [
        ['with jitter, as shipped', ...row(on)],
        ['without', ...row(off)],
      ],
    ),
    refusedSentence(on, users),
    `So jitter stays on, in refreshing as in pausing. The lifetime stays at ${lifetimeSeconds} s: half of it would double the calls to Seam and the bill above reuse, twice as much would leave a lost token good for twice as long. No concurrency is reserved: a new account’s quota may be 10, and the stage throttle is the brake; it must let the wave through, so for ${thousands(users)} open pages set \`limits.requestsPerSecond\` to ${thousands(Math.ceil((on.peakSecond * users) / 1000))} or more, or let the wave take a little longer. Ask for quotas before ${thousands(quotas.httpApiRequests)} vends/s: HTTP API and Lambda end together there.`,
  ]
}

/** Refused without a call: a read, and at most twice the Lambda time of a reuse. */
function refusedSentence({ refused, refusedSecond }: Wave, users: number): string {
  const requests = (refused * users) / 1000
  const { reuse } = usesWith(1)
  const usd = (requests / 1e6) * sum(Object.values(millionTimes({ ...reuse, seconds: 2 * reuse.seconds })))
  const probing = outageSeconds * (times.probeCall / times.probe)
  const waiting = probing * (shippedMemory / 1024) * prices.lambdaGbSecond
  return `In the outage itself ${thousands(users)} open pages are refused ${thousands(Math.round(requests))} times, at most ${Math.ceil((refusedSecond * users) / 1000)} in a second: ${usd.toFixed(2)} USD. While Seam is silent, the probes of an environment that is always asked cost ${waiting.toFixed(3)} USD more.`
}
