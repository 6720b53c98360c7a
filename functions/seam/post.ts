import type * as z from 'zod/v4-mini'
import { parseJson } from '../caller/jws.ts'
import { type Deadline, signalWithin } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'
import type { Times } from '../times.ts'
import type { answers } from './answers.ts'
import { apiKeyIn } from './api-key.ts'
import { SeamFailure } from './failure.ts'

/** One call to Seam: a POST with JSON and the API key. */

export interface SeamClients {
  endpoint: string
  /** `fresh`: read it again, because Seam refused the one that was given before. */
  apiKey: (how: { fresh: boolean }, deadline: Deadline) => Promise<string>
  times: Times
  fetch: typeof fetch
}

export interface Call<Form extends keyof typeof answers> {
  path: string
  body: object
  form: Form
  /** Of `times.seam`. */
  timeoutFactor?: number
  /** Instead of the API key. */
  token?: string
}

type Body<Form extends keyof typeof answers> = z.infer<(typeof answers)[Form]>

/** `answeredAt`: epoch ms by Seam's clock, where its answer told it. */
export async function post<Form extends keyof typeof answers>(
  clients: SeamClients,
  call: Call<Form>,
  deadline: Deadline,
): Promise<{ value: Body<Form>; answeredAt: number | undefined }> {
  const { path, form, token } = call
  let response = await send(clients, call, token ?? (await readKey(clients, false, deadline)), deadline)
  if (response.status === 401 && token === undefined)
    response = await send(clients, call, await readKey(clients, true, deadline), deadline)
  const { status, json, answeredAt } = response
  if (status !== 200) {
    const code = status === 429 || status >= 500 ? 'upstream_unavailable' : 'upstream_rejected'
    throw new SeamFailure(code, path, { ...response, reason: `Seam answered ${status}` })
  }
  // Loaded, with zod, by the first who asks Seam: who reuses a client session needs neither.
  const { answers } = await import('./answers.ts')
  const parsed = answers[form].safeParse(json)
  if (parsed.success)
    return { value: parsed.data as Body<Form>, answeredAt: Number.isNaN(answeredAt) ? undefined : answeredAt }
  const lacks = parsed.error.issues[0]?.path.join('.') || 'an object'
  throw new SeamFailure('upstream_rejected', path, { status, reason: `its answer lacks ${lacks}` })
}

/** A wrong form is the secret's fault, not Seam's: Seam is not called, and the secret is read again at once. */
async function readKey(clients: SeamClients, fresh: boolean, deadline: Deadline): Promise<string> {
  const key = apiKeyIn(await clients.apiKey({ fresh }, deadline))
  if (key !== undefined) return key
  if (!fresh) return readKey(clients, true, deadline)
  throw new Problem('upstream_unavailable', {
    dependency: 'secrets',
    reason: 'api_key_of_wrong_form',
    retryAfter: 5,
  })
}

async function send(
  clients: SeamClients,
  { path, body, timeoutFactor = 1 }: Call<keyof typeof answers>,
  key: string,
  deadline: Deadline,
) {
  try {
    const response = await clients.fetch(`${clients.endpoint}/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: signalWithin(timeoutFactor * clients.times.seam, deadline),
    })
    return {
      status: response.status,
      json: parseJson(await response.text()),
      retryAfter: secondsIn(response.headers.get('retry-after')),
      answeredAt: Date.parse(response.headers.get('date') ?? ''),
    }
  } catch (error) {
    // The cause is dropped on purpose: what a network error carries is not ours to vouch for.
    const timedOut = error instanceof Error && error.name === 'TimeoutError'
    throw timedOut
      ? new SeamFailure('upstream_timeout', path, { reason: 'no answer in time' })
      : new SeamFailure('upstream_unavailable', path, { reason: 'no connection' })
  }
}

/** Capped: a caller should not be sent away for longer than a minute by another service's wish. */
function secondsIn(header: string | null): number | undefined {
  const seconds = Number(header)
  return header === null || !Number.isFinite(seconds) ? undefined : Math.min(60, Math.max(1, seconds))
}
