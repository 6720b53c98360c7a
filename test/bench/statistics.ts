/** A median, and how far the middle half of the values lies around it. */
export interface Spread {
  median: number
  /** First and third quartile. */
  from: number
  to: number
  of: number
}

export function spread(values: number[]): Spread {
  return {
    median: quantile(values, 0.5),
    from: quantile(values, 0.25),
    to: quantile(values, 0.75),
    of: values.length,
  }
}

/** Round by round, because what slows one contender slows those beside it: the spread is of the ratios themselves. */
export function ratios(ours: number[], theirs: number[]): Spread {
  return spread(ours.map((value, round) => value / (theirs[round] ?? Number.NaN)))
}

/** Linear between the two values beside it. */
export function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  const at = (sorted.length - 1) * share
  const below = sorted[Math.floor(at)] ?? Number.NaN
  const above = sorted[Math.ceil(at)] ?? Number.NaN
  return below + (above - below) * (at - Math.floor(at))
}

export const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)
export const mean = (values: number[]) => sum(values) / values.length
