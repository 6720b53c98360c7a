import type { LocalSeam } from '../../../../infra/local/seam/workspace.ts'

export type Reply = { status: number; headers: Headers; body: Body }
// biome-ignore lint/suspicious/noExplicitAny: what comes over the wire is looked into member by member
type Body = any

/** Calls one workspace as a backend does: POST, JSON, the API key unless told otherwise. */
export const caller =
  (seam: Pick<LocalSeam, 'url' | 'apiKey'>) =>
  async (path: string, params: unknown = {}, bearer: string = seam.apiKey): Promise<Reply> => {
    const response = await fetch(seam.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${bearer}` },
      body: JSON.stringify(params),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : parsed(text),
    }
  }

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
