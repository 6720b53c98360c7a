import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault, Faults } from './faults.ts'
import type { Answer } from './wire.ts'

export type Delivery = {
  response: ServerResponse
  /** The call with its effect; may be done after the client has left. */
  perform: () => Promise<Answer>
  /** Sends to whoever is still there. */
  reply: (answer: Answer) => void
  bend: (fault: Extract<Fault, { kind: 'wrong' }>, answer: Answer) => Promise<Answer | undefined>
}

/** Carries out faults at the wire; `ended` cuts short all waiting when the workspace closes. */
export const faultDeliverer =
  (faults: Faults, ended: AbortSignal) =>
  async (fault: Fault, { response, perform, reply, bend }: Delivery): Promise<void> => {
    const waiting = () => !response.destroyed && response.socket?.destroyed === false
    const delivered = () => {
      if (waiting()) faults.count(fault.kind)
    }
    /** RST, so that the client sees the connection break and not an empty answer. */
    const reset = () => response.socket?.resetAndDestroy()
    const wait = async () => {
      if (fault.delay_ms !== undefined) await sleep(fault.delay_ms, undefined, { signal: ended })
    }

    const beforehand = 'applied' in fault && fault.applied ? await perform() : undefined
    if (fault.kind === 'delay') {
      delivered()
      await wait()
      return reply(beforehand ?? (await perform()))
    }
    await wait()
    switch (fault.kind) {
      case 'silence':
        return delivered()
      case 'reset':
        delivered()
        reset()
        return
      case 'status':
        delivered()
        return reply(failure(fault))
      case 'cut': {
        const answer = await perform()
        delivered()
        response.writeHead(answer.status, {
          ...answer.headers,
          'content-length': Buffer.byteLength(answer.body),
        })
        response.write(answer.body.slice(0, answer.body.length / 2), () => reset())
        return
      }
      case 'applied_late': {
        delivered()
        if (fault.answer !== 'silence') reset()
        const apply = async () => {
          if (faults.late.delete(apply)) await perform()
        }
        faults.late.add(apply)
        if (fault.late_ms === undefined) return
        await sleep(fault.late_ms, undefined, { signal: ended })
        return apply()
      }
      case 'wrong': {
        const answer = await perform()
        const bent = await bend(fault, answer)
        if (bent) delivered()
        return reply(bent ?? answer)
      }
    }
  }

const failure = ({ status, retry_after, body = 'html' }: Extract<Fault, { kind: 'status' }>): Answer => ({
  status,
  headers: {
    ...(body !== 'empty' && { 'content-type': body === 'html' ? 'text/html' : 'application/json' }),
    ...(retry_after !== undefined && { 'retry-after': String(retry_after) }),
  },
  body: {
    html: `<html><body><h1>${status}</h1><hr>gateway</body></html>`,
    empty: '',
    json: JSON.stringify({ error: { type: 'fault', message: 'A fault on purpose' }, ok: false }),
  }[body],
})
