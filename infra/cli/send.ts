import { typeOfError } from '../../functions/seam/answers.ts'

export interface Reply {
  /** 0: no answer. */
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: what is answered is for the caller to check. Undefined: no JSON.
  body: any
}

/** Milliseconds; long, because how long it takes is not the question. */
const timeout = 20_000

/** Never throws, so that no part of the request is ever shown. */
export async function send(address: string, request: RequestInit = {}): Promise<Reply> {
  const signal = AbortSignal.timeout(timeout)
  const response = await fetch(address, { redirect: 'manual', signal, ...request }).catch(() =>
    Response.error(),
  )
  const body = await response.json().catch(() => undefined)
  return { status: response.status, headers: response.headers, body }
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** One POST to Seam. */
export async function post(address: string, headers: Record<string, string>, params: object) {
  const reply = await send(address, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(params),
  })
  /** Seam's `error.type`. */
  return { ...reply, type: typeOfError(reply.body) }
}
