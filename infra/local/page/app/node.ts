import sha256 from 'fast-sha256'
import { base64url } from 'jose'

/** What the service's own code asks of Node when it explains a token in the page. */

class Bytes extends Uint8Array {
  override toString(form?: string): string {
    if (form === 'base64url') return base64url.encode(this)
    return Array.from(this, (byte) => byte.toString(16).padStart(2, '0')).join('')
  }
}

/** `node:crypto`'s, of SHA-256 alone; browsers have only one that returns a promise. */
export function hash(_algorithm: string, text: string, form: 'hex' | 'base64url' | 'buffer') {
  const bytes = new Bytes(sha256.hash(new TextEncoder().encode(text)))
  return form === 'buffer' ? bytes : bytes.toString(form)
}

export const Buffer = {
  from: (value: string | Uint8Array) => new Bytes(typeof value === 'string' ? decoded(value) : value),
  concat: (chunks: Uint8Array[]) => new Bytes(chunks.flatMap((chunk) => [...chunk])),
}

/** As Node does, without an error; what does not come back as it was is refused by its reader. */
function decoded(text: string): Uint8Array {
  try {
    return base64url.decode(text)
  } catch {
    return new Uint8Array()
  }
}
