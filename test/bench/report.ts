import { aims, type Verdict } from './aims.ts'
import type { Results } from './results.ts'
import { digits, shown, table, thousands } from './words.ts'

/** All that was measured, as tables for the README beside this file. What was not measured is named as that. */
export function tables(results: Results): string {
  return [
    machine(results),
    aimTable(results),
    contenderTable(results),
    memoryCurve(results),
    seamDown(results),
    sentences(results),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

function machine({ machine: { cpu, cpus, node }, loads }: Results): string {
  const all = Object.values(loads).toSorted((one, other) => one - other)
  const [least = 0, most = least] = [all[0], all.at(-1)]
  const busy =
    least > cpus ? ' **The machine was busy with other programs: the ratios count, the times do not.**' : ''
  return `Measured on ${cpus} × ${cpu}, Node ${node}, load ${least.toFixed(1)} to ${most.toFixed(1)}; medians, and the middle half in brackets. Everything but the network is real; peers run in the same minutes, in turn.${busy}`
}

const verdicts: Record<Verdict, string> = {
  reached: 'reached',
  missed: '**missed**',
  not_measured: 'not measured',
}

/** An aim that is missed stays in the table, as missed. */
function aimTable(results: Results): string {
  return table(
    ['What', 'Measured', 'Wanted', ''],
    aims(results).map(({ what, measured, wanted, verdict }) => [what, measured, wanted, verdicts[verdict]]),
  )
}

function contenderTable({ contenders, hotPath, coldStart }: Results): string {
  const head = ['loaded at the start, kB', 'p50, ms', 'CPU per vend, µs', 'INIT, ms', 'first call, ms']
  return table(
    ['', ...head, 'warm call, ms', 'a new user’s first vend with its INIT, ms'],
    contenders.map(({ name, title, bytes }) => {
      const calls = [coldStart?.init, coldStart?.first, coldStart?.warm, coldStart?.newUser]
      const measured = [hotPath?.p50, hotPath?.cpu, ...calls].map((each) => shown(each?.[name]))
      return [title, (bytes / 1000).toFixed(0), ...measured]
    }),
  )
}

function memoryCurve({ coldStart }: Results): string {
  if (!coldStart?.curve.length) return ''
  return [
    '**By memory**, this project with the CPU share that it buys (INIT has a whole CPU, as at Lambda)',
    table(
      ['MB', 'INIT and first answer, ms', 'the same for a new user, ms', 'warm p50, ms', 'p95, ms', 'USD'],
      coldStart.curve.map(({ memory, start, newUser, warm, p95, usdPerMillion }) => [
        String(memory),
        shown(start),
        shown(newUser),
        digits(warm),
        digits(p95),
        usdPerMillion.toFixed(2),
      ]),
    ),
    'USD: Lambda’s price per million warm calls, each rounded up to a millisecond as it is billed, without the network’s time. Linux’s scheduler enforces the share in periods of 20 ms, Lambda’s as far as anybody has measured (`cpu-share.ts`).',
  ].join('\n\n')
}

function seamDown({ seamDown: all }: Results): string {
  if (all === undefined) return ''
  return [
    '**Seam down**, one process with one request at a time: a newcomer is refused, then somebody with a client session is served, and so on',
    table(
      [
        'Seam',
        'reuse, ms',
        'refused without a call, ms',
        'refused, the probes with them, mean, ms',
        'refusals',
        'calls until the first without one',
        'calls a minute from then on',
      ],
      all.map(({ kind, seconds, reuse, refused, mean, refusals, opening, callsPerMinute }) => [
        `${kind} for ${seconds} s`,
        shown(reuse),
        shown(refused),
        digits(mean),
        thousands(refusals),
        thousands(opening),
        digits(callsPerMinute),
      ]),
    ),
  ].join('\n\n')
}

function sentences({ hotPath, races = [], importing, reads, atSize }: Results): string {
  const said: string[] = []
  if (hotPath) {
    const { reads, writes } = hotPath.counted.ours
    said.push(`A reuse reads the table ${digits(reads)} times and writes it ${digits(writes)} times.`)
  }
  for (const race of races)
    said.push(
      `${race.requests} first requests of one user over ${race.processes} processes: ${shown(race.seamCalls)} calls to Seam, ${shown(race.extraReads)} extra reads per loser, the last loser ${shown(race.behindWinner)} ms after the winner; as many reuses take ${shown(race.lastReuse)} ms.`,
    )
  if (importing)
    said.push(`An import of a new user makes ${digits(importing.requestsPerUser)} requests to the table.`)
  if (atSize)
    said.push(`Cleaning up took ${atSize.cleanup.seconds.toFixed(0)} s, with no limit on calls to Seam.`)
  if (reads)
    said.push(
      `The table is read and written without the SDK (\`functions/aws/\`): a read takes ${shown(reads.ratio)} of its CPU, ${digits(reads.sdk.median - reads.without.median)} µs less. What is not answered plainly, the SDK asks again.`,
    )
  return said.map((sentence) => `- ${sentence}`).join('\n')
}

/** The text with what stands between the marks replaced; unchanged where there are no marks. */
export function between(text: string, mark: string, content: string): string {
  const [before, , after, more] = text.split(`<!-- ${mark} -->`)
  if (before === undefined || after === undefined || more !== undefined) return text
  return `${before}<!-- ${mark} -->\n\n${content}\n\n<!-- ${mark} -->${after}`
}
