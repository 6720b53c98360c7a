import type { Memory } from './cold-start.ts'
import type { ContenderName } from './contenders.ts'
import { digits, shown, thousands } from './markdown.ts'
import { idleBill } from './model/idle.ts'
import { billPerMillion, shippedMemory } from './model/vend.ts'
import type { Results } from './results.ts'
import { type Spread, sum } from './statistics.ts'

/** What a user feels and pays, with the limit for each. */
export const measurements = (results: Results): Row[] =>
  [
    ...startRows(results),
    ...cpuRows(results),
    ...seamRows(results),
    ...sizeRows(results),
    ...priceRows(),
  ].map(judged)

/** Undefined: not measured. The last: what belongs to it and has no limit of its own. */
type Measurement = [what: string, measured: Spread | number | undefined, wanted: Limit, more?: string]
type Row = [what: string, measured: string, wanted: string, verdict: string]

interface Limit {
  shown: string
  holds: (value: number) => boolean
}

const atMost = (limit: number): Limit => ({ shown: `≤ ${thousands(limit)}`, holds: (it) => it <= limit })
const atLeast = (limit: number): Limit => ({ shown: `≥ ${thousands(limit)}`, holds: (it) => it >= limit })
const exactly = (limit: number): Limit => ({ shown: thousands(limit), holds: (it) => it === limit })

/** What is missed stays in the table, as missed. */
function judged([what, measured, wanted, more = '']: Measurement): Row {
  if (measured === undefined) return [what, '', wanted.shown, 'not measured']
  const [value, text] =
    typeof measured === 'object' ? [measured.median, shown(measured)] : [measured, digits(measured)]
  return [what, `${text}${more}`, wanted.shown, wanted.holds(value) ? 'reached' : '**missed**']
}

const withDuties = (ratio?: Partial<Record<ContenderName, Spread>>) =>
  ratio?.duties && `; with our duties ${shown(ratio.duties)}`

function startRows({ coldStart, races }: Results): Measurement[] {
  const { ratio, newUserRatio: newUser, curve = [] } = coldStart ?? {}
  const first = `INIT and first answer at ${shippedMemory} MB`
  const newcomer = `A new user’s first vend in a fresh environment at ${shippedMemory} MB`
  const racers = races?.requests ?? 200
  const behind = races && `; ${shown(races.behindWinner)} ms after the winner`
  return [
    [`${first}, over the careful peer’s`, ratio?.serverless, atMost(0.5), withDuties(ratio)],
    [`${first}, over an empty handler’s`, ratio?.empty, atMost(1.9)],
    ['The knee of the memory curve, MB', kneeOf(curve), exactly(shippedMemory)],
    [`${newcomer}, over the careful peer’s`, newUser?.serverless, atMost(0.85), withDuties(newUser)],
    [`Last of ${racers} racers, over a wave of ${racers} reuses`, races?.overReuses, atMost(1.1), behind],
  ]
}

/** The least memory with which both first answers come at most 15 % later than with a whole CPU. */
export function kneeOf(curve: Memory[]): number | undefined {
  const whole = curve.at(-1)
  const isNear = (one: Spread, best?: Spread) => one.median <= 1.15 * (best?.median ?? 0)
  return curve.find((it) => isNear(it.start, whole?.start) && isNear(it.newUser, whole?.newUser))?.memory
}

function cpuRows({ hotPath, ci }: Results): Measurement[] {
  const { cpuRatio } = hotPath ?? {}
  const ciRatio = ci && ci.seconds / ci.firstEdition
  const seconds = ci && ` (${thousands(ci.seconds)} s)`
  return [
    ['CPU per vend, over the careful peer’s', cpuRatio?.serverless, atMost(0.62), withDuties(cpuRatio)],
    ['CPU per vend, over the floor’s', cpuRatio?.floor, atMost(1.8)],
    ['CPU seconds of `npm cit`, over the first edition’s', ciRatio, atMost(0.6), seconds],
  ]
}

function seamRows({ seamDown = [], seamCalls, events }: Results): Measurement[] {
  const { oneLogin, twoLogins } = seamCalls ?? {}
  const { users, requests } = oneLogin ?? { users: 100, requests: 10_000 }
  const down = (['silent', '503'] as const).flatMap((kind): Measurement[] => {
    const found = seamDown.find((it) => it.kind === kind)
    const mean = 'the mean of all refused once the breaker is open, the probes with them, over a reuse'
    return [
      [
        `Seam ${kind}: Lambda time of a request refused without a call, over a reuse`,
        found?.ratio,
        atMost(2),
      ],
      [`Seam ${kind}: ${mean}`, found?.meanRatio, atMost(2)],
      [`Seam ${kind}: calls per minute and process`, found?.callsPerMinute, atMost(30)],
    ]
  })
  const calls = `Calls to Seam for ${thousands(requests)} requests of ${users} users`
  return [
    ...down,
    [calls, oneLogin?.seamCalls, exactly(users)],
    [`${calls} with two logins each`, twoLogins?.seamCalls, exactly(2 * users)],
    ['An identity provider’s event until the token is dead, p95, ms', events?.p95, atMost(2000)],
  ]
}

function sizeRows({ importing, atSize }: Results): Measurement[] {
  const { usersPerSecond, ofEngine, firstEdition } = importing ?? {}
  const rate = usersPerSecond && ` (${digits(usersPerSecond.median)} users/s)`
  const pages = (['list', 'export'] as const).map((command): Measurement => {
    const { users = 20_000, seconds, heap = 0, heapOfTenth = 0 } = atSize?.[command] ?? {}
    const memory = ` (heap ${digits(heap)} MB, of a tenth of them ${digits(heapOfTenth)} MB)`
    return [`\`${command}\` of ${thousands(users)} users, s`, seconds, atMost(10), memory]
  })
  const { cleanup } = atSize ?? {}
  const { users, due } = cleanup ?? { users: 100_000, due: 1000 }
  const whole = cleanup?.ended === due ? cleanup : undefined
  // The list that settles a key comes in a later run, after its grace.
  const run = `Cleaning up ${thousands(due)} due among ${thousands(users)}, the run that deletes`
  const requests = whole && whole.reads + whole.queries + whole.writes
  return [
    ['Import: requests per second, over the engine’s own writes', ofEngine, atLeast(0.9), rate],
    ['Import: users per second, over the first edition’s', firstEdition?.ratio, atLeast(3)],
    ...pages,
    [`${run}: requests to the table per session`, requests, atMost(3)],
    [`${run}: calls to Seam per session`, whole?.seamCalls, atMost(2)],
    [`${run}: heap, MB`, whole?.heap, atMost(60)],
  ]
}

function priceRows(): Measurement[] {
  const floor = sum(Object.values(billPerMillion({ extend: 0, create: 0 })))
  const idle = sum(idleBill(5).parts.map(({ usd }) => usd))
  return [
    [`USD per million vends at ${shippedMemory} MB, reuse alone`, floor, atMost(1.95)],
    ['USD per month of a stack that nobody uses', idle, atMost(4.5)],
  ]
}
