/** What a script learns without reading: each code, and what `help` says of it. */
const table = {
  done: [0, 'done, or there was nothing to do'],
  unexpected: [1, 'something is red or needs a look, or an error of our own'],
  usage: [2, 'usage error; nothing was done'],
  notFound: [3, 'no such user or account; nothing was done'],
  refused: [4, 'refused, or not accepted; see what is printed'],
  willBeRetried: [5, 'written down, but Seam could not be told: will be retried'],
  unavailable: [6, 'something is unavailable: run the command again'],
  nothingDone: [7, 'cleanup did nothing: another run is at work, or the fuse has blown'],
  interrupted: [130, 'interrupted; running it again is safe'],
} as const

export type ExitCode = (typeof table)[keyof typeof table][0]

export const exitCodes = Object.fromEntries(Object.entries(table).map(([name, [code]]) => [name, code])) as {
  [Name in keyof typeof table]: (typeof table)[Name][0]
}

const lines = Object.values(table).map(([code, meaning]) => `  ${String(code).padEnd(3)}  ${meaning}`)
export const exitCodeHelp = ['Exit codes:', ...lines].join('\n')
