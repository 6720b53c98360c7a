import { Misuse } from './exit-codes.ts'

/** Times as an operator types them. PURE. */

const units = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `never`, a time with its offset, or from now on: `+30d`, `+12h`, `+15m`. ISO 8601, or null for never. */
export function untilFrom(text: string, now: number): string | null {
  if (text === 'never') return null
  const [, count, unit] = /^\+(\d{1,5})([mhd])$/.exec(text) ?? []
  if (count !== undefined)
    return new Date(now + Number(count) * units[unit as keyof typeof units]).toISOString()
  return new Date(instant(text, '--until')).toISOString()
}

/** A whole day (in UTC), or a moment: the range of milliseconds since the epoch that it means. */
export function rangeFrom(text: string): { start: number; end: number } {
  if (/^\d{4}-\d\d-\d\d$/.test(text)) {
    const start = instant(`${text}T00:00:00Z`, '--at')
    return { start, end: start + units.d }
  }
  const start = instant(text, '--at')
  return { start, end: start + 1 }
}

function instant(text: string, option: string): number {
  const [, day] = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.exec(text) ?? []
  const at = day !== undefined && isDay(day) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(at)) return at
  const others =
    option === '--until' ? ', from now on such as +30d, or never' : ', or a day such as 2026-03-31'
  throw new Misuse(`${option}: give a time with its offset such as 2026-03-31T12:00:00Z${others}.`)
}

/** The 31st of February would quietly be the 3rd of March. */
function isDay(day: string): boolean {
  const at = Date.parse(`${day}T00:00:00Z`)
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(day)
}
