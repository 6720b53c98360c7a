/** Seeded chance: the same seed throws the same numbers on every machine. */
export interface Dice {
  /** From 0 up to, but not including, 1. */
  throw(): number
  /** A whole number from 0 up to, but not including, `n`. */
  below(n: number): number
  chance(p: number): boolean
  pick<T>(from: readonly T[]): T
}

/** Mulberry32: small, fast, and good enough for choosing what happens next. */
export function diceOf(seed: number): Dice {
  let state = (seed ^ 0x9e3779b9) | 0
  function next(): number {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  next()
  return {
    throw: next,
    below: (n) => Math.floor(next() * n),
    chance: (p) => next() < p,
    pick: (from) => from[Math.floor(next() * from.length)] as (typeof from)[number],
  }
}

/** A running hash of numbers, to compare two runs by. */
export interface Digest {
  add(value: number): void
  addText(text: string): void
  value(): string
}

export function digester(): Digest {
  let high = 0x811c9dc5 | 0
  let low = 0x01000193 | 0
  function add(value: number): void {
    const bits = (value | 0) ^ Math.imul((value / 4294967296) | 0, 0x85ebca6b)
    high = Math.imul(high ^ bits, 0x01000193) ^ (low >>> 13)
    low = Math.imul(low + bits, 0xcc9e2d51) ^ (high >>> 16)
  }
  return {
    add,
    addText(text) {
      for (let i = 0; i < text.length; i++) add(text.charCodeAt(i))
    },
    value: () => (high >>> 0).toString(16).padStart(8, '0') + (low >>> 0).toString(16).padStart(8, '0'),
  }
}
