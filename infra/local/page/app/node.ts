import sha256 from 'fast-sha256'
import { base64url } from 'jose'

/** What the service's own code asks of Node when it explains a token in the page. */

type Form = 'hex' | 'base64url' | 'buffer'

/** `node:crypto`'s, of SHA-256 alone; browsers have only one that returns a promise. */
export function hash(_algorithm: string, text: string, form: Form) {
  const bytes = sha256.hash(new TextEncoder().encode(text))
  return form === 'buffer' ? withForms(bytes) : withForms(bytes).toString(form)
}

export const Buffer = {
  from: (value: string | Uint8Array) => withForms(typeof value === 'string' ? decoded(value) : value),
  concat: (chunks: Uint8Array[]) => withForms(Uint8Array.from(chunks.flatMap((chunk) => [...chunk]))),
}

/** As Node does, without an error; what does not come back as it was is refused by its reader. */
function decoded(text: string): Uint8Array {
  try {
    return base64url.decode(text)
  } catch {
    return new Uint8Array()
  }
}

function withForms(bytes: Uint8Array) {
  return Object.assign(bytes, {
    subarray: (from: number, to: number) => withForms(bytes.slice(from, to)),
    toString(form?: Form): string {
      if (form === 'base64url') return base64url.encode(bytes)
      if (form === undefined) return new TextDecoder().decode(bytes)
      return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
    },
  })
}
