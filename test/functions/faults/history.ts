/**
 * What happened in a run as the outside saw it, and a checker that walks through it. The checker knows nothing of
 * how the machine works; it is tested with histories that break each of its rules.
 */

export interface Answered {
  kind: 'answered'
  owner: string
  status: number
  code?: string
  retryAfter?: string
  token?: string
}

export interface Asked {
  kind: 'asked'
  owner: string
}

/** How things stand when the faults have stopped and everything has had its time. */
export interface Afterwards {
  /** Client sessions at Seam; only live ones have to be told. */
  sessions: { token: string; key: string | null; live: boolean; accountIds: string[] }[]
  /** What each record allows, and the key it leads to. */
  records: { owner: string; accountIds: string[]; keys: string[] }[]
  /** Client sessions of others in the workspace, before the run. */
  strangers: string[]
}

export type Happening = Asked | Answered

/** Every broken rule as a sentence that starts with its name; none when all is well. */
export function brokenRules(history: Happening[], afterwards: Afterwards): string[] {
  const broken: string[] = []
  const answers = history.filter((happening) => happening.kind === 'answered')
  const record = new Map(afterwards.records.map((entry) => [entry.owner, entry]))
  const session = new Map(afterwards.sessions.map((entry) => [entry.token, entry]))

  const asked = history.length - answers.length
  if (asked !== answers.length) broken.push(`every-request-ends: ${asked} asked, ${answers.length} answered`)

  for (const { owner, status, code, retryAfter, token } of answers) {
    if (status >= 500 && ![502, 503, 504].includes(status))
      broken.push(`only-known-outages: ${status} ${code}`)
    if ((status === 503 || status === 504) && !(Number(retryAfter) >= 1))
      broken.push(`retry-after: ${status} ${code} has none`)
    if (token === undefined) continue
    const known = session.get(token)
    if (known === undefined) broken.push(`a-token-of-seam: ${owner} got one that Seam never made`)
    else if (!known.key?.includes(owner)) broken.push(`ones-own-token: ${owner} got that of ${known.key}`)
    else if (known.live) {
      const allowed = record.get(owner)?.accountIds ?? []
      const more = known.accountIds.filter((id) => !allowed.includes(id))
      if (more.length > 0) broken.push(`no-more-than-the-record: a live token of ${owner} opens ${more}`)
    }
  }

  const held = new Set(answers.flatMap(({ token }) => token ?? []))
  for (const { owner, keys } of afterwards.records) {
    const live = afterwards.sessions.filter(({ live, key }) => live && key?.includes(owner))
    if (live.filter(({ token }) => held.has(token)).length > 1)
      broken.push(`one-live-session: ${owner} holds several`)
    for (const { key } of live)
      if (key !== null && !keys.includes(key))
        broken.push(`no-orphan: ${owner} has one that no record leads to`)
  }
  for (const token of afterwards.strangers)
    if (!session.get(token)?.live) broken.push('strangers-untouched: one is gone')
  return broken
}
