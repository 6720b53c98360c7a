import { readFileSync } from 'node:fs'

/** Of the mutants of each file, the share that a test notices, in percent. */
export type Score = Record<string, number>

interface Report {
  files: Record<string, { mutants: { status: string }[] }>
}

/** From Stryker's report, whose format is the mutation testing elements' schema. */
export function scoreIn(report: Report): Score {
  return Object.fromEntries(
    Object.entries(report.files)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([file, { mutants }]) => {
        const noticed = mutants.filter(({ status }) => status === 'Killed' || status === 'Timeout').length
        return [file, Math.floor((1000 * noticed) / mutants.length) / 10]
      }),
  )
}

/** What has fallen, or is no longer measured; a file may rise, and a new one may come. */
export function fallen(before: Score, after: Score): string[] {
  return Object.entries(before)
    .filter(([file, share]) => (after[file] ?? 0) < share)
    .map(([file, share]) => `${file}: ${share} % before, ${after[file] ?? 'not measured'} now`)
}

export function read<T>(file: URL): T {
  return JSON.parse(readFileSync(file, 'utf8'))
}
