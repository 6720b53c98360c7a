/** What a script learns without reading: each code, and what it says in `help`. */
export const exitCodes = {
  done: 0,
  unexpected: 1,
  usage: 2,
  notFound: 3,
  refused: 4,
  willBeRetried: 5,
  unavailable: 6,
  nothingDone: 7,
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

const meanings: Record<keyof typeof exitCodes, string> = {
  done: 'done, or there was nothing to do',
  unexpected: 'something is red or needs a look, or an error of our own',
  usage: 'usage error; nothing was done',
  notFound: 'no such user or account; nothing was done',
  refused: 'refused, or not accepted; see what is printed',
  willBeRetried: 'written down, but Seam could not be told: will be retried',
  unavailable: 'something is unavailable: run the command again',
  nothingDone: 'cleanup did nothing: another run is at work, or the fuse has blown',
  interrupted: 'interrupted; running it again is safe',
}

export const exitCodeHelp = [
  'Exit codes:',
  ...Object.entries(exitCodes).map(
    ([name, code]) => `  ${String(code).padEnd(3)}  ${meanings[name as keyof typeof exitCodes]}`,
  ),
].join('\n')
