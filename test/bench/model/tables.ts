import { readConfiguration } from '../../../functions/config.ts'
import { holderShards } from '../../../functions/table/keys.ts'
import { times } from '../../../functions/times.ts'
import { exampleConfiguration } from '../../infra/stack/stack.ts'
import { table, thousands } from '../words.ts'
import { idleBill } from './idle.ts'
import { prices, quotas } from './prices.ts'
import { recordBytes } from './record.ts'
import {
  behindOneAccount,
  endedPerDay,
  fetchesAtRotation,
  rampSeconds,
  type Strain,
  seamCallsPerSecond,
  strains,
} from './scale.ts'
import { accounts, billPerMillion, millionTimes, mixed, shippedMemory, usesWith } from './vend.ts'
import { type Wave, wave } from './wave.ts'

/** The model's tables, for the READMEs. */

const { clientSession, cleanup } = readConfiguration(exampleConfiguration)
const { lifetimeSeconds, longestAgeSeconds } = clientSession

/** Two ways of use, as shares of vends that extend and that create. */
const margin = Math.min(600, lifetimeSeconds / 5)
const vendsPerAge = longestAgeSeconds / (lifetimeSeconds - margin)
const usages = {
  'pages that come and go: 5 vends to a client session': { extend: 0, create: 1 / 5 },
  'pages that stay open: each vend extends': { extend: 1 - 1 / vendsPerAge, create: 1 / vendsPerAge },
  'reuse alone, the floor': { extend: 0, create: 0 },
}

const rates = [100, 10_000, 100_000]
const [comingAndGoing] = Object.values(usages) as [{ extend: number; create: number }]

/** What it costs, in a sentence. */
export function costSentence(): string {
  const [usual, , least] = Object.values(usages).map((shares) => sum(Object.values(billPerMillion(shares))))
  const idle = sum(idleBill(cleanup.everyMinutes).parts.map(({ usd }) => usd))
  return `**Costs**, at list prices: ${least?.toFixed(2)} USD per million vends that reuse a token, ${usual?.toFixed(2)} with a new client session every fifth vend; a stack that nobody uses ${idle.toFixed(2)} USD a month.`
}

/** USD per million vends by how it is used, and per month for a stack that nobody uses. */
function costTable(): string {
  return [
    table(
      [
        'USD per million vends',
        'HTTP API',
        'Lambda',
        'DynamoDB',
        'Logs',
        'Data out',
        'in all',
        'calls to Seam',
      ],
      Object.entries(usages).map(([name, shares]) => {
        const bill = Object.values(billPerMillion(shares))
        const seam = `${(100 * mixed(shares).seamCalls).toFixed(0)} %`
        return [name, ...[...bill, sum(bill)].map((usd) => usd.toFixed(2)), seam]
      }),
    ),
    idleSentence(),
  ].join('\n\n')
}

function idleSentence(): string {
  const { parts, metricSeries, perSeries } = idleBill(cleanup.everyMinutes)
  const all = sum(parts.map(({ usd }) => usd))
  const named = parts.map(({ what, usd }) => `${what} ${usd.toFixed(2)}`).join(', ')
  return `**A stack that nobody uses: ${all.toFixed(2)} USD a month** (${named}). Up to ${metricSeries} further metric series cost ${perSeries.toFixed(2)} each in a month in which they have counted something, and the dashboard, an option, ${prices.dashboard.toFixed(2)} and 5 series more.`
}

export function modelTables(): string {
  return [
    costTable(),
    twoLogins(),
    `**What breaks first** with AWS’s default quotas and functions of ${shippedMemory} MB (pages that come and go); over 100 % it breaks`,
    table(
      ['vends/s', 'first', 'then', 'then', 'Lambda grows in', 'key-set fetches at a rotation'],
      rates.map((rate) => {
        const [first, second, third] = strains(rate, comingAndGoing) as [Strain, Strain, Strain]
        const environments = rate * mixed(comingAndGoing).seconds
        return [
          rate.toLocaleString('en'),
          ...[first, second, third].map(shown),
          `${rampSeconds(rate).toFixed(0)} s`,
          fetchesAtRotation(rate, environments).toFixed(0),
        ]
      }),
    ),
    '**Seam and cleaning up**',
    table(
      ['users with an open page', 'calls to Seam per second', 'of them new client sessions per day'],
      [1000, 100_000, 1_000_000].map((users) => [
        users.toLocaleString('en'),
        seamCallsPerSecond(users, lifetimeSeconds).toFixed(1),
        ((users * 86_400) / longestAgeSeconds).toLocaleString('en'),
      ]),
    ),
    `Cleaning up ends at most ${endedPerDay(cleanup.callsPerSecond).toLocaleString('en')} client sessions a day with the default of ${cleanup.callsPerSecond} calls to Seam per second, ${endedPerDay(100).toLocaleString('en')} with the most that can be configured. What has merely expired it need not end in time: it opens nothing.`,
    oneAccount(),
    waveTable(),
  ].join('\n\n')
}

function twoLogins(): string {
  const [one, two] = [1, 2].map((logins) => {
    const bytes = recordBytes(accounts, logins)
    const bills = Object.values(usages).map((shares) => sum(Object.values(billPerMillion(shares, logins))))
    return { bytes, units: Math.ceil(bytes / 1024), bills: bills.map((usd) => usd.toFixed(2)).join(', ') }
  }) as [TwoLogins, TwoLogins]
  return `**Two logins per user**, each with a client session of its own in the one record: twice the client sessions and calls to Seam of the table below. The record grows from ${thousands(one.bytes)} to ${thousands(two.bytes)} bytes, so a write takes ${two.units} units instead of ${one.units}; the bills above become ${two.bills} USD instead of ${one.bills}.`
}

type TwoLogins = { bytes: number; units: number; bills: string }

function oneAccount(): string {
  const users = 100_000
  const { callsPerSecond } = cleanup
  const found = behindOneAccount(users, callsPerSecond)
  const most = behindOneAccount(users, 100)
  return `**${thousands(users)} users behind one account**: their names stand in ${holderShards} items of ${(found.shardBytes / 1024).toFixed(0)} KB each, of the 400 KB that DynamoDB allows; a grant takes ${found.grantUnits} write units (${(1e6 * found.grantUnits * prices.writeUnit).toFixed(0)} USD per million). When Seam deletes the account, all records are written: ${thousands(found.deletionUnits)} units, ${(found.deletionUnits * prices.writeUnit).toFixed(2)} USD, ${found.deletionSeconds.toFixed(0)} s at the table’s quota; cleaning up ends the client sessions, which no longer open that account at Seam, within ${found.cleanupHours.toFixed(0)} hours, or ${(60 * most.cleanupHours).toFixed(0)} minutes with the most calls that can be configured.`
}

/** Half an hour in which no client session can be had, and the hours after it. */
export function waves(): { on: Wave; off: Wave; hours: number } {
  seen ??= simulated()
  return seen
}

const outageSeconds = 1800

let seen: ReturnType<typeof waves> | undefined

function simulated(): ReturnType<typeof waves> {
  const hour = 3600
  const settings = {
    pages: 20_000,
    lifetimeSeconds,
    outageFrom: hour,
    outageTo: hour + outageSeconds,
    seconds: 6 * hour,
  }
  const on = wave({ ...settings, jitter: true })
  const off = wave({ ...settings, jitter: false })
  return { on, off, hours: settings.seconds / hour }
}

function waveTable(): string {
  const { on, off } = waves()
  const steady = 1000 / (lifetimeSeconds - margin)
  const users = 100_000
  return [
    '**The wave after an outage of half an hour** (the plot below), requests in the busiest second per thousand open pages',
    table(
      ['', 'right after it', 'an hour and more later', 'steady'],
      [
        ['with jitter, as shipped', on.peakSecond.toFixed(1), on.echoSecond.toFixed(1), steady.toFixed(2)],
        ['without', off.peakSecond.toFixed(1), off.echoSecond.toFixed(1), steady.toFixed(2)],
      ],
    ),
    refusedSentence(on, users),
    `So jitter stays on, in refreshing as in pausing. The lifetime stays at ${lifetimeSeconds} s: half of it would double the calls to Seam and the bill above reuse, twice as much would leave a lost token good for twice as long. No concurrency is reserved: a new account’s quota may be 10, and the stage throttle is the brake; it must let the wave through, so for ${users.toLocaleString('en')} open pages set \`limits.requestsPerSecond\` to ${Math.ceil((on.peakSecond * users) / 1000).toLocaleString('en')} or more, or let the wave take a little longer. Ask for quotas before ${quotas.httpApiRequests.toLocaleString('en')} vends/s: HTTP API and Lambda end together there.`,
  ].join('\n\n')
}

/** Refused without a call: a read, and at most twice the Lambda time of a reuse. */
function refusedSentence({ refused, refusedSecond }: Wave, users: number): string {
  const requests = (refused * users) / 1000
  const reuse = usesWith(1).reuse
  const usd = (requests / 1e6) * sum(Object.values(millionTimes({ ...reuse, seconds: 2 * reuse.seconds })))
  const probing = outageSeconds * (times.probeCall / times.probe)
  const waiting = probing * (shippedMemory / 1024) * prices.lambdaGbSecond
  return `In the outage itself ${thousands(users)} open pages are refused ${thousands(Math.round(requests))} times, at most ${Math.ceil((refusedSecond * users) / 1000)} in a second: ${usd.toFixed(2)} USD. While Seam is silent, the probes of an environment that is always asked cost ${waiting.toFixed(3)} USD more.`
}

function shown({ part, used, limit }: Strain): string {
  return `${part}: ${((100 * used) / limit).toFixed(0)} %`
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
