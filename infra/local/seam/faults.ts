import * as z from 'zod/v4-mini'
import { FaultPlan, faultLimits } from '../faults.ts'

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
  ...faultLimits,
  /** Only calls of this path, such as `/client_sessions/get_or_create`; absent: all. */
  path: z.optional(z.string()),
  /** Milliseconds to wait first, whatever the kind. */
  delay_ms: z.optional(z.number()),
})

export const faultSchema = z.intersection(z.discriminatedUnion('kind', kinds), limits)

export type Fault = z.infer<typeof faultSchema>
export type WrongAnswer = Extract<Fault, { kind: 'wrong' }>['wrong']

/** What a person or a script does in the workspace is no call of the API. */
const byHand = /^\/(_fake|connect_webviews\/view)\b/
const oneClientSession = /^\/client_sessions\/(create|get|get_or_create)$/

export class Faults extends FaultPlan<Fault, string> {
  /** Calls that everybody gave up on and that have yet to arrive. */
  readonly late = new Set<() => Promise<void>>()

  constructor() {
    super(fits)
  }

  /** Lets the late calls arrive now. */
  async settle(): Promise<void> {
    for (const apply of [...this.late]) await apply()
  }
}

function fits(fault: Fault, path: string): boolean {
  return (
    (fault.path === undefined ? !byHand.test(path) : fault.path === path) &&
    (fault.kind !== 'wrong' || oneClientSession.test(path))
  )
}
