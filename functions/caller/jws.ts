/**
 * A bearer token read strictly, before any key is asked for. PURE. What two parsers could read differently is
 * refused here: libraries accept padded base64url, the last of two equal members, and bytes that are not text.
 */

export type Jws = Exclude<ReturnType<typeof readJws>, string>

/** Why a token is not even read; for the log. */
export type JwsFault = Extract<ReturnType<typeof readJws>, string>

/** Characters, which are bytes in what `readJws` accepts: API Gateway takes headers of 10,240 bytes in all. */
export const longestToken = 9500

/** How deep objects and arrays may nest; no identity provider comes near it. */
const deepest = 16

/** RFC 7515 §7.1, three parts and nothing else: a JWE has five, and JSON serialisations other characters. */
export function readJws(token: string) {
  const [first, second, signature, more] = token.split('.')
  if (!first || !second || !signature || more !== undefined) return 'not_compact'
  if (![first, second, signature].every(isCanonical)) return 'base64url'
  const header = readPart(first)
  if (typeof header === 'string') return header
  const claims = readPart(second)
  if (typeof claims === 'string') return claims
  return { header, claims }
}

/** One text for one value (RFC 4648 §3.5): no padding, no other alphabet, no stray bits in the last character. */
function isCanonical(part: string): boolean {
  return Buffer.from(part, 'base64url').toString('base64url') === part
}

function readPart(part: string) {
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const text = attempt(() => utf8.decode(Buffer.from(part, 'base64url')))
  if (text === undefined) return 'not_text'
  const value = parseJson(text)
  if (value === undefined) return 'not_json'
  return isObject(value) ? (structureFault(text) ?? value) : 'not_an_object'
}

/** Undefined where it is no JSON. */
export function parseJson(text: string): unknown {
  return attempt(() => JSON.parse(text))
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch {
    return undefined
  }
}

/**
 * What `JSON.parse` lets pass: two equal names in one object (RFC 7519 §4 allows to refuse them; JSON.parse
 * takes the last, others the first), and nesting without end. `text` is valid JSON already, so a glance at its
 * strings, brackets and colons is enough. A loop, not a recursion: depth must not cost stack.
 */
export function structureFault(text: string) {
  const open: Set<string>[] = []
  let name = ''
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}:]/g)) {
    if (token === '{' || token === '[') {
      if (open.push(new Set()) > deepest) return 'too_deep'
    } else if (token === '}' || token === ']') open.pop()
    else if (token !== ':') name = token
    else {
      const names = open.at(-1)
      // Names are compared as what they mean: "\u0073ub" is "sub".
      const meant = JSON.parse(name) as string
      if (names?.has(meant)) return 'duplicate_member'
      names?.add(meant)
    }
  }
  return undefined
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
