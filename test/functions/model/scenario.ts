import { times } from '../../../functions/times.ts'
import { type Dice, diceOf } from './dice.ts'
import { type Readings, wrongAnswers } from './seam.ts'

/** What happens in a run, as plain data: drawn from a seed, or written down once a counterexample was found. */
export interface Scenario {
  seed: number
  readings: Readings
  /** Which of `offers` the configuration is. */
  offer: number
  /** The accounts that each user starts with; null: nobody has heard of this user yet. */
  users: (number[] | null)[]
  /** By how much each clock is off, ms: Seam's first, then those of processes as they start. */
  clocks: number[]
  /** The share of calls that fail, among those whose fates are not told. */
  trouble: number
  /** Nothing is drawn: a call whose fate is not told arrives after a millisecond. */
  told?: true
  commands: Command[]
}

export type Command = Deed & {
  /** Milliseconds after the command before, or a moment in the life of a user's client session. */
  after: number | Moment
  /** What becomes of its calls, in their order; absent: drawn. */
  fates?: Fate[]
}

export interface Moment {
  user: number
  of: 'margin' | 'too_short' | 'expiry' | 'longest_age' | 'access_until' | 'lease' | 'grace' | 'budget'
  plus: number
}

/** What a command of the scenario is: an act of ours, or something that happens to the world. */
type Deed = ActDeed | WorldDeed

/** One of our acts, begun in a process. */
export type ActDeed = { process: number } & (
  | RecordDeed
  /** `old`: with a bearer token that was issued long ago, as whoever took one would. */
  | { do: 'vend' | 'report_dead'; user: number; old?: boolean }
  | { do: 'sign_out'; user: number }
  /** The token that the user was handed last has been found somewhere. */
  | { do: 'end_token'; user: number }
  | { do: 'move'; user: number; to: number }
  /** Seam's event, delivered once more for as long as it is answered with an outage. */
  | { do: 'account_deleted'; account: number }
  | { do: 'clean_up'; allUsers?: boolean }
)

/** A change of one user's record. */
export type RecordDeed =
  | { do: 'grant' | 'connect' | 'withdraw' | 'set'; user: number; accounts: number[] }
  | { do: 'disable' | 'enable' | 'remove' | 'end_session' | 'sign_out_everywhere'; user: number }
  /** The end date of access, from now; null: none. */
  | { do: 'until'; user: number; ms: number | null }

export type WorldDeed =
  | { do: 'kill'; process: number }
  | { do: 'freeze'; process: number; ms: number }
  /** Seam forgets the account, and nobody tells us. */
  | { do: 'lose_account'; account: number }
  | { do: 'find_account'; account: number }
  /** In Seam's console, by a person. */
  | { do: 'delete_at_seam'; user: number }
  | { do: 'lose_sealing_key' }
  | { do: 'raise_generation' }
  /** The secret holds the API key of another workspace; or the right one again. */
  | { do: 'swap_api_key'; foreign: boolean }
  /** The table is restored to what it was `back` commands ago, and the runbook followed. */
  | { do: 'restore'; back: number }

/** `go` and `back`: ms until a call arrives, and from then until its answer does. */
export type Fate = [go: number, back: number, trouble?: Trouble, more?: number]

export type Trouble =
  /** Did not happen, and its caller is told of an error. */
  | 'failed'
  /** Happened, and its caller is told of an error. */
  | 'lost'
  /** Its caller is told of an error; it happens `more` ms after that. */
  | 'late'
  /** The client repeats a write whose answer was lost, and meets its own effect. */
  | 'own'
  /** Happened, and Seam's answer is not the one that was asked for: the `more`-th of `wrongAnswers`. */
  | 'wrong'

export const accountCount = 4
export const processCount = 3

const second = 1000
const minute = 60 * second
const hour = 60 * minute

/** What the configurations differ in; made once, for a thousand runs a second. */
export const offers = [
  { lifetimeSeconds: 3600, longestAgeSeconds: 12 * 3600, creationsPerHour: 1000 },
  { lifetimeSeconds: 3600, longestAgeSeconds: 3600, creationsPerHour: 1000 },
  { lifetimeSeconds: 3600, longestAgeSeconds: 2 * 3600, creationsPerHour: 4 },
  { lifetimeSeconds: 600, longestAgeSeconds: 1200, creationsPerHour: 1000 },
  { lifetimeSeconds: 600, longestAgeSeconds: 3600, creationsPerHour: 3 },
  // Outlives the hour that an operator waits after a restore.
  { lifetimeSeconds: 4 * 3600, longestAgeSeconds: 12 * 3600, creationsPerHour: 1000 },
]

/** Half of the scenarios have one user only: races show sooner there. */
export function drawScenario(seed: number): Scenario {
  const dice = diceOf(seed)
  const users = dice.chance(0.5) ? 1 : 2 + dice.below(2)
  const calm = dice.chance(0.15)
  const half = times.clockSkew / 2
  const apart = calm ? 0 : dice.pick([0, half, half])
  const clock = () => Math.round(dice.pick([-1, 0, 1, dice.throw(), -dice.throw()]) * apart)
  const many = 5 + dice.below(14)
  const mood = dice.pick(moods)
  return {
    seed,
    readings: {
      get_or_create: dice.pick(['replaces', 'merges'] as const),
      dead_sessions: dice.pick(['stay_dead', 'are_revived'] as const),
      unknown_account: dice.pick([400, 404] as const),
      list: dice.pick(['live', 'with_dead'] as const),
      ...(dice.chance(0.08) && { longest: 8 * minute }),
    },
    offer: dice.below(offers.length),
    users: Array.from({ length: users }, () =>
      dice.chance(0.15) ? null : someAccounts(dice, dice.below(accountCount)),
    ),
    clocks: Array.from({ length: 8 }, clock),
    trouble: calm ? 0 : dice.pick([0, 0.04, 0.12, 0.3]),
    commands: Array.from({ length: many }, () => drawCommand(dice, users, mood, calm)),
  }
}

type Weights = Partial<Record<Deed['do'], number>>

const everyday: Weights = {
  vend: 12,
  report_dead: 1.5,
  sign_out: 1.5,
  grant: 2.5,
  connect: 0.7,
  end_token: 0.5,
  withdraw: 2.5,
  set: 1,
  disable: 0.7,
  enable: 1.2,
  remove: 0.3,
  end_session: 0.5,
  sign_out_everywhere: 0.5,
  until: 1.5,
  move: 0.4,
  account_deleted: 0.6,
  clean_up: 2.5,
  kill: 1,
  freeze: 1,
  lose_account: 1,
  find_account: 0.4,
  delete_at_seam: 0.4,
  lose_sealing_key: 0.4,
  raise_generation: 0.3,
  swap_api_key: 0.3,
  restore: 0.4,
}

const moods: { weights: Weights; gaps: [number, number][] }[] = [
  // [weight, gap at most]; the last weight is that of a moment.
  { weights: everyday, gaps: gaps([6, 5], [4, 300], [3, 4 * second], [2, 90 * second], [1, hour], [2, -1]) },
  { weights: everyday, gaps: gaps([8, 3], [4, 50], [4, second], [1, 15 * second], [1, -1]) },
  {
    weights: { ...everyday, withdraw: 6, grant: 6, until: 4 },
    gaps: gaps([6, 5], [4, 1500], [2, 70 * second], [1, -1]),
  },
  {
    weights: { ...everyday, vend: 20, clean_up: 6, kill: 3 },
    gaps: gaps([3, 5], [2, second], [1, 10 * minute], [6, -1]),
  },
]

function gaps(...all: [number, number][]): [number, number][] {
  return all
}

function drawCommand(
  dice: Dice,
  users: number,
  { weights, gaps }: (typeof moods)[number],
  calm: boolean,
): Command {
  const deed = weighted(dice, Object.entries(weights) as [Deed['do'], number][])
  const gap = weighted(
    dice,
    gaps.map(([weight, most]) => [most, weight]),
  )
  const user = dice.below(users)
  const after: Command['after'] =
    gap >= 0
      ? dice.below(gap + 1)
      : { user, of: dice.pick(moments), plus: dice.pick([-second, -1, 0, 1, second, 90 * second]) }
  const process = dice.below(processCount)
  const account = dice.below(accountCount)
  switch (deed) {
    case 'grant':
    case 'connect':
    case 'withdraw':
      return { do: deed, process, user, accounts: someAccounts(dice, 1 + dice.below(2)), after }
    case 'set':
      return { do: deed, process, user, accounts: someAccounts(dice, dice.below(accountCount)), after }
    case 'until': {
      const ms = dice.pick([null, 5 * second, 40 * second, 5 * minute, 50 * minute, 3 * hour])
      return { do: deed, process, user, ms, after }
    }
    case 'move':
      return { do: deed, process, user, to: dice.below(users), after }
    case 'account_deleted':
      return { do: deed, process, account, after }
    case 'clean_up':
      return { do: deed, process, after, ...(dice.chance(0.1) && { allUsers: true }) }
    case 'kill':
      // Without trouble nothing dies, so that what is expected of a quiet world can be told.
      return calm ? { do: 'vend', process, user, after } : { do: deed, process, after }
    case 'freeze':
      if (calm) return { do: 'vend', process, user, after }
      return { do: deed, process, ms: dice.pick([second, 15 * second, 2 * minute, hour]), after }
    case 'lose_account':
    case 'find_account':
      return { do: deed, account, after }
    case 'delete_at_seam':
      return { do: deed, user, after }
    case 'lose_sealing_key':
    case 'raise_generation':
      return { do: deed, after }
    case 'swap_api_key':
      return { do: deed, foreign: dice.chance(0.4), after }
    case 'restore':
      return { do: deed, back: 1 + dice.below(6), after }
    case 'vend':
    case 'report_dead':
      return { do: deed, process, user, after, ...(dice.chance(0.1) && { old: true }) }
    default:
      return { do: deed, process, user, after }
  }
}

const moments: Moment['of'][] = [
  'margin',
  'margin',
  'too_short',
  'expiry',
  'expiry',
  'longest_age',
  'longest_age',
  'access_until',
  'lease',
  'lease',
  'grace',
  'budget',
]

/** What becomes of a call that may take `patience` ms. */
export function drawFate(dice: Dice, call: string, trouble: number): Fate {
  const fate: Fate = [delay(dice), dice.chance(0.6) ? 0 : delay(dice)]
  if (trouble === 0 || !dice.chance(trouble)) return fate
  const kind = dice.pick(troublesOf[call] ?? troubles)
  if (kind === 'late') return [fate[0], fate[1], kind, dice.below(times.lateCall)]
  if (kind === 'wrong') return [fate[0], fate[1], kind, dice.below(wrongAnswers.length)]
  // Some errors come at once, others after all patience.
  return [fate[0], dice.chance(0.5) ? fate[1] : times.seam, kind]
}

const troubles: Trouble[] = ['failed', 'lost', 'late']
const troublesOf: Record<string, Trouble[]> = {
  compareAndSet: ['failed', 'lost', 'late', 'own', 'own'],
  getOrCreate: ['failed', 'lost', 'late', 'late', 'late', 'wrong'],
  list: ['failed', 'lost', 'wrong'],
  dueOwners: ['failed', 'wrong', 'wrong'],
}

function delay(dice: Dice): number {
  const luck = dice.throw()
  return dice.below(luck < 0.5 ? 4 : luck < 0.9 ? 60 : luck < 0.98 ? 900 : 3200)
}

function weighted<T>(dice: Dice, from: [T, number][]): T {
  let left = dice.throw() * from.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [item, weight] of from) {
    left -= weight
    if (left < 0) return item
  }
  return (from.at(-1) as [T, number])[0]
}

function someAccounts(dice: Dice, many: number): number[] {
  const all = Array.from({ length: accountCount }, (_, i) => i)
  const chosen: number[] = []
  for (let i = 0; i < many; i++) chosen.push(...all.splice(dice.below(all.length), 1))
  return chosen.sort()
}
