/** One request of this page to the API and its answer, with the secrets masked. */
export interface Exchange {
  request_id: string
  /** Each a text as it goes over the wire. */
  request: string
  answer: string
}

/** Enough to tell two secrets apart, too little to use. */
export function masked(secret: string): string {
  return `${secret.slice(0, 9)}${'•'.repeat(8)}${secret.slice(-4)}`
}

/** From here on `told` gets every request of this page to the API; the helper's too, since it uses `fetch`. */
export function recordExchanges(api: string, told: (exchange: Exchange) => void): void {
  const send = globalThis.fetch.bind(globalThis)
  globalThis.fetch = async (resource, init = {}) => {
    const response = await send(resource, init)
    const address = String(resource)
    if (!address.startsWith(`${api}/`)) return response
    // Before the caller gets it: a caller that has read it may abort the request, and the copy with it.
    const body = await response.clone().text()
    told({
      request_id: response.headers.get('x-request-id') ?? '',
      request: requestText(address.slice(api.length), init),
      answer: answerText(response, body),
    })
    return response
  }
}

function requestText(path: string, { method = 'GET', headers = {}, body }: RequestInit): string {
  const lines = [...new Headers(headers)].map(([name, value]) =>
    name === 'authorization' ? `${name}: Bearer ${masked(value.slice(7))}` : `${name}: ${value}`,
  )
  return [`${method} ${path}`, ...lines, ...(body ? ['', String(body)] : [])].join('\n')
}

function answerText({ status, headers }: Response, body: string): string {
  const lines = [...headers].map(([name, value]) => `${name}: ${value}`)
  return [String(status), ...lines, ...(body === '' ? [] : ['', maskedJson(body)])].join('\n')
}

function maskedJson(body: string): string {
  try {
    const secret = (name: string) => name === 'token' || name === 'url'
    return JSON.stringify(
      JSON.parse(body),
      (name, value) => (secret(name) && typeof value === 'string' ? masked(value) : value),
      2,
    )
  } catch {
    return '(no JSON)'
  }
}
