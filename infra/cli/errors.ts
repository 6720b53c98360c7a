import { ConfigurationError } from '../../functions/config.ts'
import { AdminRefusal } from '../../functions/operator/client.ts'
import { CliError } from '../local/cli-error.ts'

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

/**
 * Why a command cannot go on: the message says what to change and is all that is shown. A plain `CliError` means that
 * something is unavailable; any other error is a bug of ours, and shows its stack.
 */
export class UsageError extends CliError {}

/** A file of the user's is what they typed, too. */
export const isUsageError = (error: unknown): error is UsageError | ConfigurationError =>
  error instanceof UsageError || error instanceof ConfigurationError

/** AWS, Seam or a person says no. Trying again does not help. */
export class Refused extends CliError {}

export class Interrupted extends CliError {}

/** @throws whatever is no expected failure */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof Refused) return exitCodes.refused
  if (error instanceof Interrupted) return exitCodes.interrupted
  if (error instanceof CliError) return exitCodes.unavailable
  if (!(error instanceof AdminRefusal)) throw error
  const { code, action, reason } = error.problem
  if (reason === 'malformed') return exitCodes.usage
  if (code === 'not_found') return exitCodes.notFound
  if (code === 'internal') return exitCodes.unexpected
  return action === 'retry' ? exitCodes.unavailable : exitCodes.refused
}

/** One sentence, or a few lines; undefined for a bug of ours. */
export function messageOf(error: unknown): string | undefined {
  if (error instanceof CliError) return error.message
  if (!(error instanceof AdminRefusal)) return undefined
  const { code, reason, dependency } = error.problem
  const hint =
    code === 'not_found' && reason !== 'unknown_account'
      ? " Give the whole subject, such as 'main|ada'; `list` shows those there are."
      : ''
  const why = [code, dependency, reason].filter(Boolean).join(', ')
  return `${error.message}${hint} (${why}; request ${error.requestId})`
}

const notAccepted =
  /^(ExpiredToken(Exception)?|IncompleteSignature|InvalidClientTokenId|InvalidSignatureException|SignatureDoesNotMatch|UnrecognizedClientException)$/
const notAllowed = /^AccessDenied(Exception)?$/

/**
 * What a person can do about a failed call to AWS, from the error's name and status; nothing else of it is shown.
 * `wanted` follows "may not", such as "read the stack"; `permission` is IAM's word for it.
 */
export function awsError(error: unknown, wanted: string, permission: string): CliError {
  if (error instanceof CliError) return error
  const name = error instanceof Error ? error.name : 'unknown'
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
  if (notAccepted.test(name))
    return new Refused(`AWS does not accept these credentials (${name}). Sign in again, and try again.`)
  if (notAllowed.test(name))
    return new Refused(`These credentials may not ${wanted}: let them ${permission}.`)
  if (status === undefined)
    return new CliError(`AWS could not be reached to ${wanted} (${name}). Check the network and the region.`)
  if (status === 429 || status >= 500 || /Throttl/.test(name))
    return new CliError(`AWS is too busy to ${wanted} (${name}). Try again.`)
  return new Refused(`AWS will not ${wanted} (${name}).`)
}
