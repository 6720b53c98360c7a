import type { Readings } from './seam.ts'

/** What happens in a run, as plain data: drawn by fast-check, or written down once a counterexample was found. */
export interface Scenario {
  readings: Readings
  /** Which of `offers` the configuration is. */
  offer: number
  /** The accounts that each user starts with; null: nobody has heard of this user yet. */
  users: (number[] | null)[]
  /** By how much each clock is off, ms: Seam's first, then those of processes as they start. */
  clocks: number[]
  commands: Command[]
}

export type Command = Deed & {
  /** Milliseconds after the command before, or a moment in the life of a user's client session. */
  after: number | Moment
  /** What becomes of its calls, in their order; one that is not told of arrives after a millisecond. */
  fates?: Fate[]
}

export interface Moment {
  user: number
  sid: number
  of: 'margin' | 'too_short' | 'expiry' | 'longest_age' | 'access_until' | 'lease' | 'grace' | 'budget'
  plus: number
}

/** What a command of the scenario is: an act of ours, or something that happens to the world. */
type Deed = ActDeed | WorldDeed

/** One of our acts, begun in a process. */
export type ActDeed = { process: number } & (
  | RecordDeed
  /** `old`: with a bearer token that was issued long ago, as whoever took one would. */
  | { do: 'vend' | 'report_dead'; user: number; sid: number; old?: boolean }
  /** Of one login. */
  | { do: 'sign_out'; user: number; sid: number }
  /** Of all logins, by the user. */
  | { do: 'sign_out_all'; user: number; sid: number }
  /** The token that the user was handed last has been found somewhere. */
  | { do: 'end_token'; user: number; sid: number }
  /** A login in a Connect Webview is told, perhaps late, perhaps again: its time is that of when it was first told less `ago`. */
  | { do: 'login'; user: number; account: number; webview: number; ago: number }
  | { do: 'move'; user: number; to: number }
  /** Seam's event, delivered once more for as long as it is answered with an outage. */
  | { do: 'account_deleted'; account: number }
  /** Seam shows the account again, and an operator lifts the tombstone. */
  | { do: 'lift_deletion'; account: number }
  | { do: 'clean_up'; allUsers?: boolean }
)

/** A change of one user's record. */
export type RecordDeed =
  | { do: 'grant' | 'withdraw' | 'set'; user: number; accounts: number[] }
  /** Two identities, which users want for themselves; null: none. */
  | { do: 'set_identity'; user: number; identity: number | null }
  | { do: 'disable' | 'enable' | 'remove' | 'end_session' | 'sign_out_everywhere'; user: number }
  /** The end date of access, from now; null: none. */
  | { do: 'until'; user: number; ms: number | null }
  /** Told by the identity provider, `ago` after it happened. */
  | { do: 'provider'; user: number; kind: 'disabled' | 'enabled' | 'signed_out'; ago: number }
  /** A logout token of the provider, with `sub` and `sid`. */
  | { do: 'login_ended'; user: number; sid: number; ago: number }

export type WorldDeed =
  | { do: 'kill'; process: number }
  /** `writing`: before what it writes was sent to the table. `inTime`: as if it had taken the time for it after that. */
  | { do: 'freeze'; process: number; ms: number; writing?: boolean; inTime?: boolean }
  /** Seam forgets the account, and nobody tells us. */
  | { do: 'lose_account'; account: number }
  | { do: 'find_account'; account: number }
  /** In Seam's console, by a person. */
  | { do: 'delete_at_seam'; user: number; sid: number }
  /** Seam refuses every delete, for so long. */
  | { do: 'deletes_fail'; ms: number; status: number }
  | { do: 'lose_sealing_key' }
  | { do: 'raise_generation' }
  /** The secret holds the API key of another workspace; or the right one again. */
  | { do: 'swap_api_key'; foreign: boolean }
  /** The table is restored to what it was `back` commands ago, and the runbook followed. */
  | { do: 'restore'; back: number }

/** `go` and `back`: ms until a call arrives, and from then until its answer does. */
export type Fate = [go: number, back: number, trouble?: CliError, more?: number]

export type CliError =
  /** Did not happen, and its caller is told of an error. */
  | 'failed'
  /** Happened, and its caller is told of an error. */
  | 'lost'
  /** Its caller is told of an error; it happens `more` ms after that. */
  | 'late'
  /** The client repeats a write whose answer was lost, and meets its own effect. */
  | 'own'
  /**
   * Happened, and Seam's answer is not the one that was asked for: the `more`-th of `wrongAnswers`. A delete did not
   * happen, and is answered with 404.
   */
  | 'wrong'

export type Freeze = Extract<WorldDeed, { do: 'freeze' }>

export const accountCount = 4
export const processCount = 3
export const sidCount = 3

/** What the configurations differ in; made once, for a thousand runs a second. */
export const offers: {
  lifetimeSeconds: number
  longestAgeSeconds: number
  creationsPerHour: number
  /** With a session claim: so many sessions at once. */
  logins?: number
}[] = [
  { lifetimeSeconds: 3600, longestAgeSeconds: 12 * 3600, creationsPerHour: 1000 },
  // A client session per login, and of two at once.
  { lifetimeSeconds: 3600, longestAgeSeconds: 12 * 3600, creationsPerHour: 1000, logins: 8 },
  { lifetimeSeconds: 3600, longestAgeSeconds: 2 * 3600, creationsPerHour: 1000, logins: 2 },
  { lifetimeSeconds: 3600, longestAgeSeconds: 3600, creationsPerHour: 1000 },
  { lifetimeSeconds: 3600, longestAgeSeconds: 2 * 3600, creationsPerHour: 4 },
  { lifetimeSeconds: 600, longestAgeSeconds: 1200, creationsPerHour: 1000 },
  { lifetimeSeconds: 600, longestAgeSeconds: 3600, creationsPerHour: 3 },
  // Outlives the hour that an operator waits after a restore.
  { lifetimeSeconds: 4 * 3600, longestAgeSeconds: 12 * 3600, creationsPerHour: 1000 },
]
