import { readFileSync, writeFileSync } from 'node:fs'
import { contenderNames, titles } from './contenders.ts'
import { between, digits, shown, table } from './markdown.ts'
import { measurements } from './measurements.ts'
import { costSentence, modelTables } from './model/tables.ts'
import { type Results, readResults } from './results.ts'

/** The generated parts of the README, and of the one beside this file which has all of it. */

/** All that was measured. What was not measured is named as that. */
export function tables(results: Results): string {
  return [
    machine(results),
    table(['What', 'Measured', 'Wanted', ''], measurements(results)),
    contenderTable(results),
    ...memoryCurve(results),
  ].join('\n\n')
}

function machine({ machine: { cpu, cpus, node }, loads }: Results): string {
  const all = Object.values(loads)
  const [least, most] = [Math.min(...all), Math.max(...all)]
  const busy =
    least > cpus ? ' **The machine was busy with other programs: the ratios count, the times do not.**' : ''
  return `Measured on ${cpus} × ${cpu}, Node ${node}, load ${least.toFixed(1)} to ${most.toFixed(1)}; medians, and the middle half in brackets. Everything but the network is real; peers run in the same minutes, in turn.${busy}`
}

function contenderTable({ bytes, hotPath, coldStart }: Results): string {
  const { init, first, warm, newUser } = coldStart ?? {}
  const head = ['loaded at the start, kB', 'CPU per vend, µs', 'INIT, ms', 'first call, ms', 'warm call, ms']
  return table(
    ['', ...head, 'a new user’s first vend with its INIT, ms'],
    contenderNames.map((name) => {
      const measured = [hotPath?.cpu, init, first, warm, newUser].map((each) => shown(each?.[name]))
      return [titles[name], ((bytes[name] ?? 0) / 1000).toFixed(0), ...measured]
    }),
  )
}

function memoryCurve({ coldStart }: Results): string[] {
  if (!coldStart?.curve.length) return []
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
  ]
}

/** Each file with its text, tables made anew from the results and the model. */
export function readmes() {
  const long = { bench: tables(readResults()), model: modelTables() }
  const here = import.meta.dirname
  return [written(`${here}/../../README.md`, { model: costSentence() }), written(`${here}/README.md`, long)]
}

export function rewriteReadmes(): void {
  for (const { file, before, after } of readmes()) if (after !== before) writeFileSync(file, after)
}

function written(file: string, parts: Record<string, string>) {
  const before = readFileSync(file, 'utf8')
  const after = Object.entries(parts).reduce((text, [mark, content]) => between(text, mark, content), before)
  return { file, before, after }
}
