import type { Readings } from '../local/seam/readings.ts'
import { accountQuestions } from './questions/accounts.ts'
import { endingQuestions } from './questions/endings.ts'
import { keyQuestions } from './questions/keys.ts'
import { type Sandbox, Unanswered } from './sandbox.ts'

/** What Seam’s documentation leaves open, asked of a workspace one after the other. */
export const questions = [...accountQuestions, ...endingQuestions, ...keyQuestions]

export interface Answered {
  name: string
  asks: string
  /** Absent: why stands in `unanswered`. */
  answer?: string
  unanswered?: string
}

export async function* probe(sandbox: Sandbox): AsyncGenerator<Answered> {
  for (const { name, asks, ask } of questions)
    try {
      yield { name, asks, answer: await ask(sandbox) }
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error
      yield { name, asks, unanswered: error.message }
    }
}

/** Which readings of the local Seam these answers mean; absent: none of its values. */
export function readingsOf(answers: Answered[]): Partial<Readings> {
  const said = Object.fromEntries(answers.map(({ name, answer }) => [name, answer]))
  const dead = [said.deleted_session, said.revoked_session, said.expired_session]
  const readings: { [Name in keyof Readings]: Readings[Name] | undefined } = {
    get_or_create: one(said.existing_accounts, { replaces: 'replaces', merges: 'merges' }),
    dead_sessions: dead.every((answer) => answer === 'makes another')
      ? 'stay_dead'
      : dead.every((answer) => answer === 'revives it')
        ? 'are_revived'
        : undefined,
    unknown_account: one(said.unknown_account?.slice(0, 3), { 400: 400, 404: 404 }),
    list: one(said.list_shows, { live: 'live', 'live, revoked, expired': 'with_dead' }),
    completed_webview: one(said.browser_webview, { joins: 'joins_session', 'stays out': 'stays_out' }),
  }
  return Object.fromEntries(Object.entries(readings).filter(([, value]) => value !== undefined))
}

function one<T>(answer: string | undefined, meanings: Record<string, T>): T | undefined {
  return answer !== undefined && Object.hasOwn(meanings, answer) ? meanings[answer] : undefined
}
