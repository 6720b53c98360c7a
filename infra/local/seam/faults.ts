import * as z from 'zod/v4-mini'
import { chancesFrom } from '../chances.ts'

/**
 * What goes wrong on purpose. `applied` tells whether the call has had its effect all the same: "done, but the
 * answer was lost".
 */
const kinds = [
  /** Answered truly, only later. */
  z.object({ kind: z.literal('delay'), applied: z.optional(z.boolean()) }),
  /** Never answered. */
  z.object({ kind: z.literal('silence'), applied: z.optional(z.boolean()) }),
  z.object({ kind: z.literal('reset'), applied: z.optional(z.boolean()) }),
  /** The effect happens, and the connection breaks in the middle of the answer. */
  z.object({ kind: z.literal('cut') }),
  z.object({
    kind: z.literal('status'),
    status: z.int().check(z.gte(200), z.lte(599)),
    /** Seconds. */
    retry_after: z.optional(z.number()),
    body: z.optional(z.enum(['html', 'empty', 'json'])),
    applied: z.optional(z.boolean()),
  }),
  /**
   * Everybody gives up, and then the call arrives: `late_ms` after its connection broke, or went silent. Without
   * `late_ms` it waits for `settle`.
   */
  z.object({
    kind: z.literal('applied_late'),
    late_ms: z.optional(z.number()),
    answer: z.optional(z.enum(['reset', 'silence'])),
  }),
  /** A 200 that is not what was asked for. Only calls that answer one client session can be answered so. */
  z.object({
    kind: z.literal('wrong'),
    wrong: z.enum([
      'other_key',
      'other_id',
      'other_workspace',
      'extra_account',
      'missing_account',
      'past_expiry',
      'late_expiry',
      'dead_session',
    ]),
  }),
] as const

const limits = z.object({
  /** Only calls of this path, such as `/client_sessions/get_or_create`; absent: all. */
  path: z.optional(z.string()),
  /** How many calls it strikes before it is used up; absent: no end. */
  times: z.optional(z.int().check(z.gte(1))),
  /** The share of calls it strikes, 0 to 1, drawn by the plan's seed; absent: all. */
  share: z.optional(z.number().check(z.gte(0), z.lte(1))),
  /** Milliseconds to wait first, whatever the kind. */
  delay_ms: z.optional(z.number()),
})

export const faultSchema = z.intersection(z.discriminatedUnion('kind', kinds), limits)
export const planSchema = z.object({ seed: z.optional(z.int()), faults: z.array(faultSchema) })

export type Fault = z.infer<typeof faultSchema>
export type WrongAnswer = Extract<Fault, { kind: 'wrong' }>['wrong']
/** The first fault that fits a call strikes it. */
export type FaultPlan = z.infer<typeof planSchema>

/** What a person or a script does in the workspace is no call of the API. */
const byHand = /^\/(_fake|connect_webviews\/view)\b/
const oneClientSession = /^\/client_sessions\/(create|get|get_or_create|grant_access)$/

/** Which fault strikes which call: the same calls under the same plan and seed are struck the same way. */
export class Faults {
  /** By kind, how often a fault reached a client that was waiting. */
  readonly delivered: Record<string, number> = {}
  /** Calls that everybody gave up on and that have yet to arrive. */
  readonly late = new Set<() => Promise<void>>()
  #faults: (Fault & { struck: number })[] = []
  #random = chancesFrom(0)

  /** Replaces what was planned. */
  plan({ seed = 0, faults }: FaultPlan): void {
    this.#random = chancesFrom(seed)
    this.clear()
    this.add(...faults)
  }

  /** Adds to what is planned. */
  add(...more: Fault[]): void {
    this.#faults.push(...more.map((fault) => ({ ...fault, struck: 0 })))
  }

  /** From now on everything is as it should be, but for what is still to be applied late. */
  clear(): void {
    this.#faults = []
  }

  planned = (): Fault[] => this.#faults.map(({ struck, ...fault }) => fault)

  draw(path: string): Fault | undefined {
    const fault = this.#faults.find((one) => this.#fits(one, path))
    if (fault) fault.struck++
    return fault
  }

  count(kind: Fault['kind']): void {
    this.delivered[kind] = (this.delivered[kind] ?? 0) + 1
  }

  /** Lets the late calls arrive now. */
  async settle(): Promise<void> {
    for (const apply of [...this.late]) await apply()
  }

  #fits(fault: Fault & { struck: number }, path: string): boolean {
    return (
      (fault.path === undefined ? !byHand.test(path) : fault.path === path) &&
      (fault.times === undefined || fault.struck < fault.times) &&
      (fault.kind !== 'wrong' || oneClientSession.test(path)) &&
      (fault.share === undefined || this.#random() < fault.share)
    )
  }
}
