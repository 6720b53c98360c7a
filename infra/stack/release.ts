import { execFileSync } from 'node:child_process'
import packageJson from '../../package.json' with { type: 'json' }

/** What is deployed, in words that `cdk diff` shows and the doctor compares. */

/** Of package.json, which goes with whatever is bundled. */
export const packageVersion = (): string => packageJson.version

/** Of the repository that this runs in, "-dirty" where it says more than its commit; "unknown" outside of one. */
export function currentCommit(): string {
  const git = (...words: string[]) =>
    execFileSync('git', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    const isDirty = git('status', '--porcelain', '--untracked-files=no') !== ''
    return git('rev-parse', '--short=12', 'HEAD') + (isDirty ? '-dirty' : '')
  } catch {
    return 'unknown'
  }
}

/**
 * A value for each setting, by its path, so that each is compared by itself: a list of named objects by their names, any
 * other list as it is.
 */
export function settingsOf(value: object, path = ''): Record<string, unknown> {
  return Object.assign({}, ...Object.entries(value).map(([name, one]) => settingOf(one, path + name)))
}

function settingOf(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return value === undefined ? {} : { [path]: value }
  if (!Array.isArray(value)) return settingsOf(value, `${path}.`)
  if (!value.every((one) => typeof one?.name === 'string')) return { [path]: value }
  return settingsOf(Object.fromEntries(value.map((one) => [one.name, one])), `${path}.`)
}
