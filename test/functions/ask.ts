import { passed } from '../leaks.ts'
import { answerFaults } from './http/answers.ts'
import type { Machine } from './wiring.ts'

export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: what a stranger would see; each test says what it expects.
  body: any
  text: string
}

/** One request to the app, as the front door would hand it over. Throws when the answer is not in the OpenAPI document. */
export async function ask(
  { app }: { app: Pick<Machine['app'], 'request'> },
  request: {
    method?: string
    path?: string
    token?: string
    body?: unknown
    headers?: Record<string, string>
  } = {},
): Promise<Answer> {
  const { method = 'POST', path = '/client-session', token, body, headers } = request
  passed(token ?? '')
  const response = await app.request(path, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const { status, headers: answered } = response
  const faults = answerFaults({ method, path: path.replace(/\?.*/, ''), status, headers: answered, text })
  if (faults.length > 0) throw new Error(`${method} ${path} ${status}: ${faults.join('; ')}`)
  return {
    status,
    headers: answered,
    text,
    body: text === '' ? undefined : JSON.parse(text),
  }
}
