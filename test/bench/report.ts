import type { Results } from './results.ts'
import type { Spread } from './statistics.ts'

/** All tables, beside this file in its README. */
export function tables(results: Results): string {
  const { cpu, cpus, node } = results.machine
  const loads = Object.values(results.loads).toSorted((one, other) => one - other)
  return [
    `Measured on ${cpus} × ${cpu}, Node ${node}, load ${loads[0]?.toFixed(1)} to ${loads.at(-1)?.toFixed(1)}; medians, and the middle half in brackets. Everything but the network is real; peers run in the same minutes, in turn.`,
    aimTable(aims(results)),
    table(
      [
        '',
        'loaded at the start, kB',
        'p50, ms',
        'CPU per vend, µs',
        'INIT, ms',
        'first call, ms',
        'warm call, ms',
      ],
      results.contenders.map(({ name, title, bytes }) => {
        const { hotPath, coldStart } = results
        const columns = [hotPath.p50[name], hotPath.cpu[name], coldStart.init[name]]
        const calls = [coldStart.first[name], coldStart.warm[name]]
        return [title, (bytes / 1000).toFixed(0), ...[...columns, ...calls].map(shown)]
      }),
    ),
    byPart(results),
    leanerRead(results),
  ].join('\n\n')
}

interface Aim {
  what: string
  measured: string
  wanted: string
  reached: boolean
  isHeadline?: true
}

/** An aim that is missed stays in every table, as missed. */
function aimTable(all: Aim[]): string {
  const rows = all.map(({ what, measured, wanted, reached }) => [
    what,
    measured,
    wanted,
    reached ? 'reached' : '**missed**',
  ])
  return table(['What', 'Measured', 'Wanted', ''], rows)
}

/** Issue by issue what is to be reached, with what was. */
export function aims({ hotPath, coldStart, races, atSize, contenders }: Results): Aim[] {
  const atMost = (what: string, measured: Spread | undefined, limit: number, unit = ''): Aim => ({
    what,
    measured: `${shown(measured)}${unit}`,
    wanted: `≤ ${limit}${unit}`,
    reached: (measured?.median ?? Number.POSITIVE_INFINITY) <= limit,
  })
  const headline = (aim: Aim): Aim => ({ ...aim, isHeadline: true })
  const exactly = (what: string, measured: number, wanted: number): Aim => ({
    what,
    measured: digits(measured),
    wanted: String(wanted),
    reached: Math.abs(measured - wanted) < 1e-9,
  })
  const { ours } = hotPath.counted
  const { limited } = coldStart
  const of = (name: string) => contenders.find((it) => it.name === name)?.bytes ?? Number.NaN
  return [
    headline(exactly('Reads of the table per reuse', ours.reads, 1)),
    exactly('Writes of the table per reuse', ours.writes, 0),
    headline(
      exactly(
        `Calls to Seam for ${ours.requests.toLocaleString('en')} requests of ${ours.users} users`,
        ours.seamCalls,
        ours.users,
      ),
    ),
    headline(atMost('p50 of a reuse, over (a) with Seam at 100 ms', hotPath.p50Ratio.express, 1 / 50)),
    atMost('CPU per vend, over (a)', hotPath.cpuRatio.express, 0.25),
    atMost('CPU per vend, over (b)', hotPath.cpuRatio.serverless, 0.6),
    atMost('CPU per vend, over (d)', hotPath.cpuRatio['no-io'], 2.5),
    atMost('INIT and first answer, over (b)', coldStart.ratio.serverless, 0.55),
    atMost('INIT and first answer, over (a)', coldStart.ratio.express, 0.35),
    headline(
      atMost(
        `First call after INIT, over a warm one (an empty handler’s: ${shown(coldStart.firstToWarm.empty)})`,
        coldStart.firstToWarm.ours,
        2,
      ),
    ),
    ...(limited === undefined
      ? []
      : [atMost(`The same with the CPU share of ${limited.memory} MB`, limited.firstToWarm.ours, 2)]),
    { ...atMost('What the vend function loads at its start, kB', undefined, 110), ...bundleSize(of('ours')) },
    ...races.flatMap((race) => {
      const who = `${race.requests} first requests over ${race.processes} processes`
      return [
        atMost(`${who}: calls to Seam`, race.seamCalls, 1),
        atMost(`${who}: extra reads per loser`, race.extraReads, 1.5),
        atMost(
          `${who}: last loser after the winner, ms (as many reuses at once: ${shown(race.lastReuse)} from the first request to the last answer)`,
          race.behindWinner,
          60,
        ),
      ]
    }),
    {
      what: `Cleaning up ${atSize.cleanup.due.toLocaleString('en')} of ${atSize.cleanup.users.toLocaleString('en')} users: requests to the table, and to Seam, per client session`,
      measured: `${digits(atSize.cleanup.reads + atSize.cleanup.queries + atSize.cleanup.writes)}, ${digits(atSize.cleanup.seamCalls)} (heap ${digits(atSize.cleanup.heap)} MB)`,
      wanted: 'all ended',
      reached: atSize.cleanup.ended === atSize.cleanup.due,
    },
    {
      what: `Importing ${atSize.import.users.toLocaleString('en')} users: share of the engine’s own write rate`,
      measured: `${digits(atSize.import.ofEngine)} (${digits(atSize.import.usersPerSecond)} users/s)`,
      wanted: '≥ 0.5',
      reached: atSize.import.ofEngine >= 0.5,
    },
  ]
}

function bundleSize(bytes: number): Pick<Aim, 'measured' | 'reached'> {
  return { measured: (bytes / 1000).toFixed(0), reached: bytes <= 110_000 }
}

function byPart({ byPart: parts }: Results): string {
  const names: [keyof typeof parts, string][] = [
    ['verify', 'verifying the bearer token: reading it strictly, and one signature'],
    ['read', 'the one read of the table: request signing, TLS and the engine'],
    ['unseal', 'opening the sealed client session token'],
    ['rest', 'the rest: event, routes, CORS, body, verdict, answer, audit'],
    ['whole', 'one warm vend'],
  ]
  const whole = parts.whole.median
  return table(
    ['Part of a warm vend', 'µs', 'share'],
    names.map(([name, title]) => [
      title,
      shown(parts[name]),
      `${((100 * parts[name].median) / whole).toFixed(0)} %`,
    ]),
  )
}

function leanerRead({ reads, hotPath }: Results): string {
  const saved = reads.sdk.median - reads.without.median
  const share = (100 * saved) / ((hotPath.cpu.ours?.median ?? Number.NaN) + saved)
  return `The table is read and written without the SDK (\`functions/aws/\`): a read takes ${shown(reads.ratio)} of its CPU: ${digits(saved)} µs less, of a vend with the SDK ${share.toFixed(0)} %. What is not answered plainly, the SDK asks again.`
}

export function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, column) => (column === 0 ? '---' : '---:'))), ...rows.map(line)].join(
    '\n',
  )
}

function shown(it: Spread | undefined): string {
  return it === undefined ? '' : `${digits(it.median)} (${digits(it.from)}–${digits(it.to)})`
}

/** Three digits say all that such a measurement knows. */
function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
}

/** The text with what stands between the marks replaced; unchanged where there are no marks. */
export function between(text: string, mark: string, content: string): string {
  const [before, , after, more] = text.split(`<!-- ${mark} -->`)
  if (before === undefined || after === undefined || more !== undefined) return text
  return `${before}<!-- ${mark} -->\n\n${content}\n\n<!-- ${mark} -->${after}`
}
