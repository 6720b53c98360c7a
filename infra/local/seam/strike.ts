import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Context, Next } from 'hono'
import type { StatusCode } from 'hono/utils/http-status'
import { isLive, shown } from './client-sessions.ts'
import { accountsOf } from './fake.ts'
import type { Fault, WrongAnswer } from './faults.ts'
import type { ClientSession, Seam } from './state.ts'
import type { SeamEnv } from './wire.ts'

type FaultOf<Kind> = Extract<Fault, { kind: Kind }>

/** Lets the call meet the fault that is planned for it, at the wire. `next` is the call with its effect. */
export async function strike(seam: Seam, c: Context<SeamEnv>, next: Next): Promise<void> {
  const fault = seam.faults.draw(c.req.path)
  if (fault === undefined) return next()
  const { outgoing } = c.env
  const deliver = () => {
    if (!outgoing.destroyed && outgoing.socket?.destroyed === false) seam.faults.count(fault.kind)
  }
  const wait = () => fault.delay_ms && sleep(fault.delay_ms, undefined, { signal: seam.ended })
  const applied = 'applied' in fault && fault.applied === true

  if (applied) await next()
  if (fault.kind === 'delay') {
    deliver()
    await wait()
    return applied ? undefined : next()
  }
  await wait()
  if (fault.kind === 'wrong') {
    await next()
    const answer = await wrongAnswer(seam, c, fault.wrong)
    if (answer === undefined) return
    deliver()
    c.res = answer
    return
  }
  if (fault.kind === 'cut') await next()
  deliver()
  if (fault.kind === 'status') {
    c.res = failure(c, fault)
    return
  }
  if (fault.kind === 'cut') await sendHalf(c)
  else if (fault.kind === 'reset' || (fault.kind === 'applied_late' && fault.answer !== 'silence')) reset(c)
  if (fault.kind === 'applied_late') applyLater(seam, fault, next)
  // Hono has nothing to send.
  return new Promise<never>(() => {})
}

/** RST, so that the client sees the connection break and not an empty answer. */
const reset = ({ env }: Context<SeamEnv>) => env.outgoing.socket?.resetAndDestroy()

async function sendHalf(c: Context<SeamEnv>): Promise<void> {
  const body = await c.res.text()
  const { outgoing } = c.env
  const headers = { ...Object.fromEntries(c.res.headers), 'content-length': Buffer.byteLength(body) }
  outgoing.writeHead(c.res.status, headers).write(body.slice(0, body.length / 2), () => reset(c))
}

/** Nobody waits for it any more. Without `late_ms` it waits for `settle`. */
function applyLater({ faults, ended }: Seam, { late_ms }: FaultOf<'applied_late'>, next: Next): void {
  const apply = async () => {
    if (faults.late.delete(apply)) await next()
  }
  faults.late.add(apply)
  if (late_ms !== undefined)
    // Aborted when the workspace closes: it never arrives.
    void sleep(late_ms, undefined, { signal: ended }).then(apply, () => {})
}

/** Of a call that has had its effect; undefined: it does not answer one client session. */
async function wrongAnswer(seam: Seam, c: Context<SeamEnv>, wrong: WrongAnswer) {
  if (c.res.status !== 200) return undefined
  const { client_session } = await c.res.clone().json()
  const row = seam.sessions.byToken.get(client_session?.token)
  if (row === undefined) return undefined
  const bent = wrongSession(seam, wrong, row)
  await seam.save()
  return c.json({ client_session: bent, ok: true })
}

function failure(c: Context<SeamEnv>, { status, retry_after, body = 'html' }: FaultOf<'status'>): Response {
  const [type, text = null] = {
    html: ['text/html', `<html><body><h1>${status}</h1><hr>gateway</body></html>`],
    json: ['application/json', '{"error":{"type":"fault","message":"A fault on purpose"},"ok":false}'],
    empty: [],
  }[body]
  return c.newResponse([204, 205, 304].includes(status) ? null : text, status as StatusCode, {
    ...(type && { 'content-type': type }),
    ...(retry_after !== undefined && { 'retry-after': String(retry_after) }),
  })
}

const century = 100 * 365 * 24 * 3_600_000

/**
 * What a call that has had its effect answers wrongly. A wrong scope, a wrong expiry and a death are real, for these
 * the client session itself is bent; a wrong key, id or workspace is only said.
 */
function wrongSession(seam: Seam, wrong: WrongAnswer, row: ClientSession) {
  const { connected_account_ids: had, user_identifier_key: key } = row
  const at = (offset: number) => new Date(seam.clock() + offset).toISOString()
  const real = (bent: Partial<ClientSession>) => shown(seam, Object.assign(row, bent))
  const said = (bent: Partial<ClientSession>) => ({ ...shown(seam, row), ...bent })
  const bends: Record<WrongAnswer, () => object> = {
    other_key: () => {
      const all = [...seam.sessions.byId.values()]
      const stranger = all.find((one) => isLive(seam, one) && one.user_identifier_key !== key)
      return stranger ? shown(seam, stranger) : said({ user_identifier_key: `${key}-of-another` })
    },
    other_id: () => said({ client_session_id: randomUUID() }),
    other_workspace: () => said({ workspace_id: randomUUID() }),
    extra_account: () => {
      const other = accountsOf(seam.fake).find((one) => !had.includes(one.connected_account_id))
      return real({ connected_account_ids: [...had, ...(other ? [other.connected_account_id] : [])] })
    },
    missing_account: () => real({ connected_account_ids: had.slice(1) }),
    past_expiry: () => real({ expires_at: at(-1000) }),
    late_expiry: () => real({ expires_at: at(century) }),
    // Looks right in every field: only the token's first use shows it.
    dead_session: () => real({ deleted_at: at(0) }),
  }
  return bends[wrong]()
}
