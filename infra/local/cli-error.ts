/**
 * Why the local world cannot start or go on: the message says what is wrong and what to do about it, and is all
 * that is shown. Any other error is a mistake of ours, and shows its stack.
 */
export class CliError extends Error {
  override readonly name = 'CliError'
}

/** The system's short code for what went wrong (`ENOENT`, `EADDRINUSE`, …). */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
}
