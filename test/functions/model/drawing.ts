import fc from 'fast-check'
import { times } from '../../../functions/times.ts'
import {
  accountCount,
  type CliError,
  type Command,
  type Fate,
  type Moment,
  offers,
  processCount,
  type Scenario,
  sidCount,
} from './scenario.ts'
import { wrongAnswers } from './seam.ts'

/** Random scenarios. fast-check draws them from a seed, and makes one that breaks an invariant as small as can be. */

const second = 1000
const minute = 60 * second
const hour = 60 * minute

type Weights = Partial<Record<Command['do'], number>>

const everyday: Weights = {
  vend: 12,
  report_dead: 1.5,
  sign_out: 1.5,
  grant: 2.5,
  login: 2,
  set_identity: 0.8,
  provider: 0.8,
  login_ended: 0.3,
  sign_out_all: 0.6,
  deletes_fail: 0.6,
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
  lift_deletion: 0.4,
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

/** `gaps` between commands: weight, and ms at most; -1: until a moment in the life of a client session. */
const moods: {
  weights: Weights
  gaps: [weight: number, most: number][]
  /** How many accounts there are to draw from; all, when absent. */
  accounts?: number
  /** About few of all deeds: half as often as the others. */
  seldom?: boolean
  /** In a hundred users, whom nobody has heard of yet; 15, when absent. */
  newcomers?: number
}[] = [
  {
    weights: everyday,
    gaps: [
      [6, 5],
      [4, 300],
      [3, 4 * second],
      [2, 90 * second],
      [1, hour],
      [2, -1],
    ],
  },
  {
    weights: everyday,
    gaps: [
      [8, 3],
      [4, 50],
      [4, second],
      [1, 15 * second],
      [1, -1],
    ],
  },
  {
    weights: { ...everyday, withdraw: 6, grant: 6, until: 4, kill: 3 },
    gaps: [
      [6, 5],
      [4, 1500],
      [2, 70 * second],
      [1, -1],
    ],
  },
  {
    weights: { vend: 6, grant: 6, account_deleted: 6, lift_deletion: 4, clean_up: 3, freeze: 1, kill: 0.5 },
    gaps: [
      [6, 5],
      [3, 300],
      [2, 90 * second],
    ],
    accounts: 1,
    seldom: true,
  },
  {
    weights: {
      vend: 8,
      provider: 6,
      login_ended: 2,
      set_identity: 6,
      disable: 2,
      enable: 2,
      remove: 1,
      grant: 2,
      deletes_fail: 1,
    },
    gaps: [
      [6, 5],
      [3, 4 * second],
      [2, 90 * second],
      [1, hour],
    ],
    newcomers: 50,
    seldom: true,
  },
  {
    weights: { vend: 8, grant: 6, withdraw: 1, kill: 6, clean_up: 1 },
    gaps: [
      [6, 3],
      [3, 60],
      [3, 20 * second],
    ],
  },
  {
    weights: { ...everyday, vend: 20, clean_up: 6, kill: 3 },
    gaps: [
      [3, 5],
      [2, second],
      [1, 10 * minute],
      [6, -1],
    ],
  },
]

/** Half of the scenarios have one user only: races show sooner there. Without trouble nothing dies and all clocks agree. */
export function scenarios(): fc.Arbitrary<Scenario> {
  return fc.oneof(
    ...[2, 1, 1].flatMap((often, i) =>
      moods.flatMap((mood) => [
        { weight: (mood.seldom ? 3 : 6) * often, arbitrary: scenario(i + 1, mood, 0, true) },
        ...[0, 0.04, 0.12, 0.3].map((trouble) => ({
          weight: (mood.seldom ? 4 : 8) * often,
          arbitrary: scenario(i + 1, mood, trouble, false),
        })),
      ]),
    ),
  )
}

function scenario(
  users: number,
  { weights, gaps, accounts: drawn = accountCount, newcomers = 15 }: (typeof moods)[number],
  trouble: number,
  calm: boolean,
): fc.Arbitrary<Scenario> {
  const half = times.clockSkew / 2
  const clock = calm ? fc.constant(0) : oneof([1, fc.constantFrom(0, -half, half)], [1, between(-half, half)])
  const fates = fc.array(fate(trouble), { maxLength: 18, size: 'max' })
  const after = oneof(
    ...gaps.map(
      ([weight, most]): Weighted<Command['after']> => [weight, most < 0 ? moment(users) : below(most + 1)],
    ),
  )
  const deeds = Object.entries({ ...weights, ...(calm && { kill: 0, freeze: 0 }) })
  const command = oneof(
    ...deeds
      .filter(([, weight]) => weight > 0)
      .map(([name, weight]): Weighted<Command> => {
        const deed = fc.record({ do: fc.constant(name), after, fates, ...detailsOf(name, users, drawn) })
        return [weight, deed as unknown as fc.Arbitrary<Command>]
      }),
  )
  return fc.record({
    readings: fc.record({
      get_or_create: fc.constantFrom('replaces' as const, 'merges' as const),
      dead_sessions: fc.constantFrom('stay_dead' as const, 'are_revived' as const),
      unknown_account: fc.constantFrom(400 as const, 404 as const),
      list: fc.constantFrom('live' as const, 'with_dead' as const),
      longest: oneof([11, fc.constant(Number.MAX_SAFE_INTEGER)], [1, fc.constant(8 * minute)]),
    }),
    offer: below(offers.length),
    users: fc.array(oneof([100 - newcomers, accounts(0, accountCount - 1)], [newcomers, fc.constant(null)]), {
      minLength: users,
      maxLength: users,
    }),
    clocks: fc.array(clock, { minLength: 1, maxLength: 8, size: 'max' }),
    commands: fc.array(command, { maxLength: 20, size: 'max' }),
  })
}

/** What a command says beside when it begins. */
function detailsOf(name: string, users: number, drawn: number): Record<string, fc.Arbitrary<unknown>> {
  const process = below(processCount)
  const user = below(users)
  const account = below(drawn)
  const sid = below(sidCount)
  const ago = fc.constantFrom(0, second, minute, hour)
  switch (name) {
    case 'grant':
    case 'withdraw':
      return { process, user, accounts: accounts(1, Math.min(2, drawn), drawn) }
    case 'set':
      return { process, user, accounts: accounts(0, accountCount - 1) }
    case 'login':
      return { process, user, account, webview: below(3), ago }
    case 'set_identity':
      return { process, user, identity: fc.constantFrom(null, 0, 1) }
    case 'provider':
      return { process, user, kind: fc.constantFrom('disabled', 'enabled', 'signed_out'), ago }
    case 'login_ended':
      return { process, user, sid, ago }
    case 'deletes_fail':
      return {
        ms: fc.constantFrom(2 * second, minute, 20 * minute, 30 * hour),
        status: fc.constantFrom(403, 410, 500),
      }
    case 'until':
      return {
        process,
        user,
        ms: fc.constantFrom(null, 5 * second, 40 * second, 5 * minute, 50 * minute, 3 * hour),
      }
    case 'move':
      return { process, user, to: user }
    case 'account_deleted':
    case 'lift_deletion':
      return { process, account }
    case 'clean_up':
      return { process, allUsers: oneof([9, fc.constant(false)], [1, fc.constant(true)]) }
    case 'kill':
      return { process }
    case 'freeze':
      return {
        process,
        ms: fc.constantFrom(second, 15 * second, 2 * minute, 10 * minute, hour),
        writing: fc.boolean(),
      }
    case 'lose_account':
    case 'find_account':
      return { account }
    case 'delete_at_seam':
      return { user, sid }
    case 'lose_sealing_key':
    case 'raise_generation':
      return {}
    case 'swap_api_key':
      return { foreign: oneof([6, fc.constant(false)], [4, fc.constant(true)]) }
    case 'restore':
      return { back: between(1, 6) }
    case 'vend':
    case 'report_dead':
      return { process, user, sid, old: oneof([9, fc.constant(false)], [1, fc.constant(true)]) }
    case 'sign_out':
    case 'sign_out_all':
    case 'end_token':
      return { process, user, sid }
    default:
      return { process, user }
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

function moment(users: number): fc.Arbitrary<Moment> {
  return fc.record({
    user: below(users),
    sid: below(sidCount),
    of: fc.constantFrom(...moments),
    plus: fc.constantFrom(0, -second, -1, 1, second, 90 * second),
  })
}

/** What becomes of a call; `trouble` is the share of those that fail. */
function fate(trouble: number): fc.Arbitrary<Fate> {
  const go = delay()
  const back = oneof([6, fc.constant(0)], [4, delay()])
  const well: fc.Arbitrary<Fate> = fc.tuple(go, back)
  if (trouble === 0) return well
  // Some errors come at once, others after all retryDelay.
  const slow = oneof([1, back], [1, fc.constant(times.seam)])
  const kind = (name: CliError): fc.Arbitrary<Fate> => fc.tuple(go, slow, fc.constant(name))
  return oneof(
    [1 - trouble, well],
    [trouble * 0.2, kind('failed')],
    [trouble * 0.2, kind('lost')],
    [trouble * 0.2, kind('own')],
    [trouble * 0.2, fc.tuple(go, back, fc.constant('late' as const), below(times.lateCall))],
    [trouble * 0.2, fc.tuple(go, back, fc.constant('wrong' as const), below(wrongAnswers.length))],
  )
}

function delay(): fc.Arbitrary<number> {
  return oneof([50, below(4)], [40, below(60)], [8, below(900)], [2, below(3200)])
}

function accounts(least: number, most: number, of = accountCount): fc.Arbitrary<number[]> {
  const all = Array.from({ length: of }, (_, i) => i)
  return fc.subarray(all, { minLength: least, maxLength: most })
}

type Weighted<T> = [weight: number, arbitrary: fc.Arbitrary<T>]

/** The first is the simplest, to which the others shrink. fast-check's weights are whole numbers. */
function oneof<T>(...options: Weighted<T>[]): fc.Arbitrary<T> {
  return fc.oneof(
    { withCrossShrink: true },
    ...options.map(([weight, arbitrary]) => ({ weight: Math.round(weight * 1000), arbitrary })),
  )
}

function below(n: number): fc.Arbitrary<number> {
  return between(0, n - 1)
}

function between(least: number, most: number): fc.Arbitrary<number> {
  return fc.integer({ min: least, max: most })
}
