/**
 * `Headers`, `Request` and `Response` as far as Hono's router, its adapter for Lambda and our routes use them. The first
 * use of Node's own loads all of undici, a fifth of a cold start's CPU; and an answer is made of seven, each with a
 * stream. `fetch` stays Node's: undici is loaded when Seam or an identity provider is asked.
 * The bundler puts these in the place of the globals.
 */

type HeadersInit = Iterable<[string, string]> | Record<string, string>

export class Headers {
  readonly #values = new Map<string, string>()

  constructor(init: HeadersInit = {}) {
    for (const [name, value] of Symbol.iterator in init ? init : Object.entries(init))
      this.append(name, value)
  }

  get(name: string): string | null {
    return this.#values.get(name.toLowerCase()) ?? null
  }
  has(name: string): boolean {
    return this.#values.has(name.toLowerCase())
  }
  set(name: string, value: string): void {
    // These would end the line, and start another header.
    if (/[\0\r\n]/.test(value)) throw new TypeError('no value for a header')
    this.#values.set(name.toLowerCase(), value)
  }
  append(name: string, value: string): void {
    const before = this.get(name)
    this.set(name, before === null ? value : `${before}, ${value}`)
  }
  delete(name: string): void {
    this.#values.delete(name.toLowerCase())
  }
  forEach(act: (value: string, name: string) => void): void {
    for (const [name, value] of this.#values) act(value, name)
  }
  entries(): MapIterator<[string, string]> {
    return this.#values.entries()
  }
  [Symbol.iterator](): MapIterator<[string, string]> {
    return this.entries()
  }
}

type Body = string | Uint8Array | null

/** Its body is no stream: it can be read more than once, and handed on. */
class Message {
  readonly body: Body
  readonly bodyUsed = false
  readonly headers: Headers

  constructor(body: Body = null, headers?: HeadersInit) {
    this.body = body
    this.headers = new Headers(headers)
  }

  async text(): Promise<string> {
    return typeof this.body === 'string' ? this.body : new TextDecoder().decode(this.body ?? undefined)
  }
  async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = typeof this.body === 'string' ? new TextEncoder().encode(this.body) : this.body
    return new Uint8Array(bytes ?? []).buffer
  }
}

export class Request extends Message {
  readonly url: string
  readonly method: string

  /** Throws a `TypeError` for what is no address, as Node's own does. */
  constructor(url: string, init: { method: string; headers?: HeadersInit; body?: Body }) {
    super(init.body, init.headers)
    this.url = new URL(url).href
    this.method = init.method
  }
}

export class Response extends Message {
  readonly status: number

  constructor(body?: Body, init: { status?: number; headers?: HeadersInit } = {}) {
    super(body, init.headers)
    this.status = init.status ?? 200
    if (typeof body === 'string' && !this.headers.has('content-type'))
      this.headers.set('content-type', 'text/plain;charset=UTF-8')
  }
}
