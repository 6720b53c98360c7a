/**
 * The Seam API key in what a secret or a variable holds: one word of the characters that a bearer token may have
 * (RFC 6750 §2.1), a line end after it allowed, as editors and shells leave one. Undefined for JSON, quotes, two
 * lines, a byte order mark: HTTP would refuse it, and that would look as if Seam could not be reached. PURE.
 */
export function apiKeyIn(text: string): string | undefined {
  return /^([\w.~+/-]+=*)[ \t\r\n]*$/.exec(text)?.[1]
}

export const apiKeyForm = 'it must be the key alone, as plain text: no quotes, no JSON, no second line'
