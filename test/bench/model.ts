import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readConfiguration } from '../../functions/config.ts'
import { exampleConfiguration } from '../infra/stack.ts'
import { quotas } from './model/prices.ts'
import {
  endedPerDay,
  fetchesAtRotation,
  rampSeconds,
  type Strain,
  seamCallsPerSecond,
  strains,
} from './model/scale.ts'
import { billPerMillion, mixed } from './model/vend.ts'
import { wave } from './model/wave.ts'
import { linePlot } from './plot.ts'
import { between } from './report.ts'

/**
 * `npm run model`: cost and scale on paper that runs. Every formula stands in model/, with its units and sources; change
 * a number there and see. Prints the README's tables and draws the wave after an outage.
 */
const here = import.meta.dirname
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

const text = [
  '**USD per million vends** (list prices, no free tier)',
  table(
    ['', 'HTTP API', 'Lambda', 'DynamoDB', 'Logs', 'Data out', 'in all', 'calls to Seam'],
    Object.entries(usages).map(([name, shares]) => {
      const bill = Object.values(billPerMillion(shares))
      const seam = `${(100 * mixed(shares).seamCalls).toFixed(0)} %`
      return [name, ...[...bill, sum(bill)].map((usd) => usd.toFixed(2)), seam]
    }),
  ),
  '**What breaks first** with AWS’s default quotas (pages that come and go); over 100 % it breaks',
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
  waves(),
].join('\n\n')

console.log(text)
const readme = `${here}/../../README.md`
const before = readFileSync(readme, 'utf8')
const after = between(before, 'model', text)
if (after !== before) writeFileSync(readme, after)

/** Half an hour in which no client session can be had, and the hours after it. */
function waves(): string {
  const hour = 3600
  const settings = {
    pages: 20_000,
    lifetimeSeconds,
    outageFrom: hour,
    outageTo: 1.5 * hour,
    seconds: 6 * hour,
  }
  const on = wave({ ...settings, jitter: true })
  const off = wave({ ...settings, jitter: false })
  mkdirSync(`${here}/plots`, { recursive: true })
  writeFileSync(
    `${here}/plots/sign-in-wave.svg`,
    linePlot(
      'After an outage from 1:00 to 1:30',
      { x: 'hours', to: settings.seconds / hour, y: 'requests per minute and thousand pages' },
      [
        { label: 'without jitter', values: off.perMinute },
        { label: 'with jitter', values: on.perMinute },
      ],
    ),
  )
  const steady = 1000 / (lifetimeSeconds - margin)
  const users = 100_000
  return [
    '**The wave after an outage of half an hour** (plots/sign-in-wave.svg), requests in the busiest second per thousand open pages',
    table(
      ['', 'right after it', 'an hour and more later', 'steady'],
      [
        ['with jitter, as shipped', on.peakSecond.toFixed(1), on.echoSecond.toFixed(1), steady.toFixed(2)],
        ['without', off.peakSecond.toFixed(1), off.echoSecond.toFixed(1), steady.toFixed(2)],
      ],
    ),
    `So jitter stays on, in refreshing as in pausing. The lifetime stays at ${lifetimeSeconds} s: half of it would double the calls to Seam and the bill above reuse, twice as much would leave a lost token good for twice as long. No concurrency is reserved: a new account’s quota may be 10, and the stage throttle is the brake; it must let the wave through, so for ${users.toLocaleString('en')} open pages set \`limits.requestsPerSecond\` to ${Math.ceil((on.peakSecond * users) / 1000).toLocaleString('en')} or more, or let the wave take a little longer. Ask for quotas before ${quotas.httpApiRequests.toLocaleString('en')} vends/s: HTTP API and Lambda end together there.`,
  ].join('\n\n')
}

function shown({ part, used, limit }: Strain): string {
  return `${part}: ${((100 * used) / limit).toFixed(0)} %`
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, column) => (column === 0 ? '---' : '---:'))), ...rows.map(line)].join(
    '\n',
  )
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
