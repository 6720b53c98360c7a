import { setTimeout as sleep } from 'node:timers/promises'
import type { Context, Next } from 'hono'
import type { StatusCode } from 'hono/utils/http-status'
import type { Fault } from './faults.ts'
import type { Seam } from './state.ts'
import type { SeamEnv } from './wire.ts'
import { wrongSession } from './wrong-answers.ts'

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
  if (fault.kind === 'wrong') return answerWrongly(seam, c, next, fault, deliver)
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

async function answerWrongly(
  seam: Seam,
  c: Context<SeamEnv>,
  next: Next,
  { wrong }: FaultOf<'wrong'>,
  deliver: () => void,
): Promise<void> {
  await next()
  if (c.res.status !== 200) return
  const { client_session } = await c.res.clone().json()
  const row = seam.sessions.byToken.get(client_session?.token)
  if (row === undefined) return
  const bent = wrongSession(seam, wrong, row)
  await seam.save()
  deliver()
  c.res = c.json({ client_session: bent, ok: true })
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
