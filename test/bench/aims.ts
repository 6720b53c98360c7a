import type { Memory } from './cold-start.ts'
import { idleBill } from './model/idle.ts'
import { billPerMillion, shippedMemory } from './model/vend.ts'
import type { Results } from './results.ts'
import type { Spread } from './statistics.ts'
import { digits, shown, thousands } from './words.ts'

export type Verdict = 'reached' | 'missed' | 'not_measured'

export interface Aim {
  what: string
  measured: string
  wanted: string
  verdict: Verdict
}

/** What a user feels and pays, with the limit for each. */
export function aims(results: Results): Aim[] {
  return [
    ...startAims(results),
    ...cpuAims(results),
    ...seamAims(results),
    ...sizeAims(results),
    ...priceAims(),
  ]
}

type Measured = Spread | number | undefined

/** `more`: what belongs to it and has no limit of its own. */
function aim(
  what: string,
  measured: Measured,
  test: 'atMost' | 'atLeast' | 'equal',
  limit: number,
  more = '',
) {
  const value = typeof measured === 'object' ? measured.median : measured
  const sign = { atMost: '≤ ', atLeast: '≥ ', equal: '' }[test]
  const text = typeof measured === 'object' ? shown(measured) : digits(measured ?? Number.NaN)
  return {
    what,
    measured: value === undefined ? '' : `${text}${more}`,
    wanted: `${sign}${thousands(limit)}`,
    verdict: value === undefined ? 'not_measured' : meets(value, test, limit) ? 'reached' : 'missed',
  } satisfies Aim
}

function meets(value: number, test: 'atMost' | 'atLeast' | 'equal', limit: number): boolean {
  if (test === 'equal') return Math.abs(value - limit) < 1e-9
  return test === 'atMost' ? value <= limit : value >= limit
}

const duties = (it: Spread | undefined) => (it ? `; with our duties ${shown(it)}` : '')

function startAims({ coldStart, races }: Results): Aim[] {
  const { ratio, newUserRatio, curve } = coldStart ?? {}
  const at = `at ${shippedMemory} MB`
  const many = races?.find(({ requests }) => requests === 200)
  return [
    aim(`INIT and first answer ${at}, over (b)`, ratio?.serverless, 'atMost', 0.5, duties(ratio?.duties)),
    aim(`INIT and first answer ${at}, over an empty handler’s`, ratio?.empty, 'atMost', 1.9),
    aim('The knee of the memory curve, MB', curve && kneeOf(curve), 'equal', shippedMemory),
    aim(
      `A new user’s first vend in a fresh environment ${at}, over (b)`,
      newUserRatio?.serverless,
      'atMost',
      0.85,
      duties(newUserRatio?.duties),
    ),
    aim('Last of 200 racers, over a wave of 200 reuses', many?.overReuses, 'atMost', 1.1),
  ]
}

/** The least memory with which both first answers come at most 15 % later than with a whole CPU. */
export function kneeOf(curve: Memory[]): number | undefined {
  const whole = curve.at(-1)
  if (whole === undefined) return undefined
  const isNear = (one: Spread, best: Spread) => one.median <= 1.15 * best.median
  return curve.find(({ start, newUser }) => isNear(start, whole.start) && isNear(newUser, whole.newUser))
    ?.memory
}

function cpuAims({ hotPath, ci }: Results): Aim[] {
  const ratio = hotPath?.cpuRatio
  return [
    aim('CPU per vend, over (b)', ratio?.serverless, 'atMost', 0.62, duties(ratio?.duties)),
    aim('CPU per vend, over the floor (c)', ratio?.floor, 'atMost', 1.8),
    aim(
      'CPU seconds of `npm cit`, over the first edition’s',
      ci && ci.seconds / ci.firstEdition,
      'atMost',
      0.6,
      ci && ` (${thousands(ci.seconds)} s)`,
    ),
  ]
}

function seamAims({ seamDown, hotPath, events }: Results): Aim[] {
  const down = (['silent', '503'] as const).flatMap((kind) => {
    const found = seamDown?.find((it) => it.kind === kind)
    return [
      aim(
        `Seam ${kind}: Lambda time of a request refused without a call, over a reuse`,
        found?.ratio,
        'atMost',
        2,
      ),
      aim(
        `Seam ${kind}: the mean of all refused once the breaker is open, the probes with them, over a reuse`,
        found?.meanRatio,
        'atMost',
        2,
      ),
      aim(`Seam ${kind}: calls per minute and process`, found?.callsPerMinute, 'atMost', 30),
    ]
  })
  const { ours, twoLogins } = hotPath?.counted ?? {}
  const who = (logins: string) =>
    `Calls to Seam for ${thousands(ours?.requests ?? 10_000)} requests of ${ours?.users ?? 100} users${logins}`
  return [
    ...down,
    aim(who(''), ours?.seamCalls, 'equal', ours?.users ?? 100),
    aim(who(' with two logins each'), twoLogins?.seamCalls, 'equal', 2 * (twoLogins?.users ?? 100)),
    aim('An identity provider’s event until the token is dead, p95, ms', events?.p95, 'atMost', 2000),
  ]
}

function sizeAims({ importing, atSize }: Results): Aim[] {
  const users = (of: { users: number } | undefined, otherwise: number) => thousands(of?.users ?? otherwise)
  const pages = (['list', 'export'] as const).map((command) => {
    const found = atSize?.[command]
    return aim(
      `\`${command}\` of ${users(found, 20_000)} users, s`,
      found?.seconds,
      'atMost',
      10,
      found && ` (heap ${digits(found.heap)} MB, of a tenth of them ${digits(found.heapOfTenth)} MB)`,
    )
  })
  const { cleanup } = atSize ?? {}
  const whole = cleanup && cleanup.ended === cleanup.due ? cleanup : undefined
  // The list that settles a key comes in a later run, after its grace.
  const who = `Cleaning up ${thousands(cleanup?.due ?? 1000)} due among ${users(cleanup, 100_000)}, the run that deletes`
  return [
    aim(
      'Import: requests per second, over the engine’s own writes',
      importing?.ofEngine,
      'atLeast',
      0.9,
      importing && ` (${digits(importing.usersPerSecond.median)} users/s)`,
    ),
    aim('Import: users per second, over the first edition’s', importing?.firstEdition?.ratio, 'atLeast', 3),
    ...pages,
    aim(
      `${who}: requests to the table per session`,
      whole && whole.reads + whole.queries + whole.writes,
      'atMost',
      3,
    ),
    aim(`${who}: calls to Seam per session`, whole?.seamCalls, 'atMost', 2),
    aim(`${who}: heap, MB`, whole?.heap, 'atMost', 60),
  ]
}

function priceAims(): Aim[] {
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)
  const floor = sum(Object.values(billPerMillion({ extend: 0, create: 0 })))
  const idle = sum(idleBill(5).parts.map(({ usd }) => usd))
  return [
    aim(`USD per million vends at ${shippedMemory} MB, reuse alone`, floor, 'atMost', 1.95),
    aim('USD per month of a stack that nobody uses', idle, 'atMost', 4.5),
  ]
}
