import * as z from 'zod/v4-mini'
import { UsageError } from './errors.ts'

/** Times as an operator types and reads them: ISO 8601 in both directions. PURE. */

const units = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** ISO 8601 to the second, as `--until` and `--at` take it. */
export function when(time: string | number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z')
}

/** `never`, a time with its offset, or from now on: `+30d`, `+12h`, `+15m`. ISO 8601, or null for never. */
export function untilFrom(text: string, now: number): string | null {
  if (text === 'never') return null
  const [, count, unit] = /^\+(\d{1,5})([mhd])$/.exec(text) ?? []
  const at =
    count === undefined
      ? instant(text, '--until', ', from now on such as +30d, or never')
      : now + Number(count) * units[unit as keyof typeof units]
  if (at > now) return new Date(at).toISOString()
  throw new UsageError(`--until: ${when(at)} is in the past; to end access now, withdraw or disable.`)
}

/** A whole day (in UTC), or a moment: the range of milliseconds since the epoch that it means. */
export function rangeFrom(text: string): { start: number; end: number } {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text)
  const start = instant(isDay ? `${text}T00:00:00Z` : text, '--at', ', or a day such as 2026-03-31')
  return { start, end: start + (isDay ? units.d : 1) }
}

/** With its days: the 31st of February would quietly be the 3rd of March. */
const time = z.iso.datetime({ offset: true })

function instant(text: string, option: string, others: string): number {
  if (time.safeParse(text).success) return Date.parse(text)
  throw new UsageError(`${option}: give a time with its offset such as 2026-03-31T12:00:00Z${others}.`)
}
