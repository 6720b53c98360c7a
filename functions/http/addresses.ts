/** Which addresses are exact enough to trust. PURE: the configuration, the construct and the commands ask here. */

export const loopbackHosts = ['127.0.0.1', 'localhost', '[::1]']
/** RFC 1123 §2.1. A host in another spelling is one that `URL` has changed, or one that no certificate is issued for. */
const dnsName = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/

/** What pages of the allowed origins may send, and read of an answer; besides them nobody may. */
export const crossOrigin = {
  allowHeaders: ['authorization', 'content-type'],
  // AWS may rename a challenge.
  exposeHeaders: ['retry-after', 'x-request-id', 'www-authenticate', 'x-amzn-remapped-www-authenticate'],
}

/** What to write instead of an address that is not safe, and of one that is so only on this machine. */
export const addressForm =
  'give an https:// address without user, query or fragment, its host a DNS name or an IP address (plain http only for loopback addresses)'
export const plainForm = 'plain http is for the local world only; give an https:// address'

/** An https:// address of one host without user, query (unless it may) or fragment; plain http only for loopback hosts. */
export function isSafeAddress(address: string, { query = false } = {}): boolean {
  const url = URL.parse(address)
  if (url === null) return false
  const { protocol, hostname, username, password, search, hash } = url
  // `URL` accepts an IPv6 literal only between brackets, and checks it; it also accepts `*`.
  const isHost = dnsName.test(hostname) || hostname.startsWith('[')
  const isSafe = protocol === 'https:' || (protocol === 'http:' && loopbackHosts.includes(hostname))
  return isHost && isSafe && `${username}${password}${query ? '' : search}${hash}` === ''
}

/** Schemes that lead to a page, a script, a file or a program of the system's. */
const systemSchemes =
  /^(https?|wss?|s?ftps?|file|filesystem|data|blob|about|(java|vb|live)script|view-source|intent|content|android-app|mailto|tel|sms|market|shell|search|urn|jar|(chrome|moz|ms|itms|edge|x-apple)[a-z-]*):$/

/** The exact scheme of an app, with its colon (RFC 3986 §3.1). */
export function isAppScheme(value: string): boolean {
  return /^[a-z][a-z0-9+.-]{1,62}:$/.test(value) && !systemSchemes.test(value)
}

/** Why this is not the exact origin of a page, and what to write instead; undefined if it is one. */
export function originFault(value: string): string | undefined {
  if (isOrigin(value)) return undefined
  const url = URL.parse(value)
  const [, scheme] = /^(?!https?:)([a-z][a-z0-9+.-]*):\/\//i.exec(value) ?? []
  if (scheme !== undefined)
    return `a page under ${scheme}:// cannot be allowed; let the app serve its pages from https://localhost (Capacitor: "androidScheme": "https") and list "https://localhost", or let it send its requests natively (CapacitorHttp)`
  // The one that is meant, where that can be told; never what follows an `@`.
  const isMeant = url !== null && `${url.username}${url.password}` === '' && isOrigin(url.origin)
  const example = isMeant ? url.origin : 'https://app.example'
  return `give an exact origin such as "${example}" (scheme, host and port only; the host a DNS name or an IP address; no path, no *; plain http only for loopback)`
}

function isOrigin(value: string): boolean {
  const url = URL.parse(value)
  return url?.origin === value && url.port !== '0' && isSafeAddress(value)
}
