/** One request of this page to the API and its answer, as they go over the wire, with the secrets masked. */
export interface Exchange {
  request_id: string
  text: string
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
    const copy = response.clone()
    const answer = await copy.json().catch(() => undefined)
    const request = [`${init.method ?? 'GET'} ${address.slice(api.length)}`, ...headerLines(init.headers)]
    const status = ['', response.status, ...headerLines(response.headers), '']
    const lines = [...request, init.body, ...status, answer && JSON.stringify(answer, null, 2)]
    told({
      request_id: response.headers.get('x-request-id') ?? '',
      text: lines.join('\n').replaceAll(secrets, (_, name, secret) => name + masked(secret)),
    })
    return response
  }
}

const secrets = /(authorization: Bearer |"(?:token|url)": ")([^"\s]+)/g

const headerLines = (headers: HeadersInit | undefined) =>
  [...new Headers(headers)].map(([name, value]) => `${name}: ${value}`)
