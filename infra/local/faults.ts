import { hash } from 'node:crypto'
import * as z from 'zod/v4-mini'

/** Which calls every fault strikes, whatever it is. */
export const faultLimits = {
  /** How many calls it strikes before it is used up; absent: no end. */
  times: z.optional(z.int().check(z.gte(1))),
  /** The share of calls it strikes, 0 to 1, drawn by the plan's seed; absent: all. */
  share: z.optional(z.number().check(z.gte(0), z.lte(1))),
}

type Limited = { kind: string; times?: number | undefined; share?: number | undefined }

/** Which fault strikes which call: the same calls under the same plan and seed are struck the same way. */
export class FaultPlan<Fault extends Limited, Call> {
  /** By kind, how often a fault reached a client that was waiting. */
  readonly delivered: Partial<Record<Fault['kind'], number>> = {}
  readonly #matches: (fault: Fault, call: Call) => boolean
  #faults: { fault: Fault; struck: number }[] = []
  #random = randomFrom(0)

  constructor(matches: (fault: Fault, call: Call) => boolean) {
    this.#matches = matches
  }

  /** Replaces what was planned. The first fault that fits a call strikes it. */
  plan({ seed = 0, faults }: { seed?: number | undefined; faults: Fault[] }): void {
    this.#random = randomFrom(seed)
    this.clear()
    this.add(...faults)
  }

  /** Adds to what is planned. */
  add(...more: Fault[]): void {
    this.#faults.push(...more.map((fault) => ({ fault, struck: 0 })))
  }

  clear(): void {
    this.#faults = []
  }

  planned = (): Fault[] => this.#faults.map(({ fault }) => fault)

  /** Without those that are used up. */
  remaining = (): Fault[] => this.#faults.filter(isLeft).map(({ fault }) => fault)

  draw(call: Call): Fault | undefined {
    const entry = this.#faults.find(
      (one) =>
        isLeft(one) &&
        this.#matches(one.fault, call) &&
        (one.fault.share === undefined || this.#random() < one.fault.share),
    )
    if (entry) entry.struck++
    return entry?.fault
  }

  count(kind: Fault['kind']): void {
    this.delivered[kind] = (this.delivered[kind] ?? 0) + 1
  }
}

function isLeft({ fault, struck }: { fault: Limited; struck: number }): boolean {
  return fault.times === undefined || struck < fault.times
}

/** Numbers from 0 to 1 that a seed repeats. */
function randomFrom(seed: number): () => number {
  let drawn = 0
  return () => Number.parseInt(hash('sha1', `${seed} ${drawn++}`).slice(0, 8), 16) / 2 ** 32
}
