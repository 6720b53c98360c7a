import { createCipheriv, createDecipheriv, createSecretKey, hash, randomBytes } from 'node:crypto'
import { parseJson } from '../caller/jws.ts'
import type { Deadline } from '../http/deadline.ts'
import { Problem } from '../http/problem.ts'

/**
 * Client session tokens sealed at rest (JWE, RFC 7516, `dir` with `A256GCM`): reading the table or a backup opens no
 * doors. The protected header carries the sealing key's `kid`, and whose the token is: client session, owner and the
 * hash of the `user_identifier_key`. All are checked on opening, so a token cannot be moved to another record, not
 * even together with its id.
 *
 * With Node's own AES: each vend opens one, and a JOSE library asks WebCrypto for it, in another thread, which costs
 * seven times as much. The tests hold this against jose in both directions.
 */

/** Of the record that a sealed token belongs to. */
export interface SealedFor {
  client_session_id: string
  owner: string
  user_identifier_key: string
}

export type Seal = ReturnType<typeof tokenSealer>

export function tokenSealer(readKeys: (deadline: Deadline) => Promise<SealingKeys>) {
  return {
    async seal(token: string, whose: SealedFor, deadline: Deadline): Promise<string> {
      const { current } = await readKeys(deadline)
      const protectedHeader = { alg: 'dir', enc: 'A256GCM', kid: current.kid, ...namesOf(whose) }
      const header = encoded(Buffer.from(JSON.stringify(protectedHeader)))
      const iv = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', current.key, iv).setAAD(Buffer.from(header))
      const ciphertext = Buffer.concat([cipher.update(token, 'utf8'), cipher.final()])
      return [header, '', encoded(iv), encoded(ciphertext), encoded(cipher.getAuthTag())].join('.')
    },
    /** The token, or undefined when it cannot be opened: key lost, tampered with, or another record's. */
    async open(sealed: string, whose: SealedFor, deadline: Deadline): Promise<string | undefined> {
      const keys = await readKeys(deadline)
      try {
        const [, header = '', iv = '', ciphertext = '', tag = ''] = compact.exec(sealed) ?? []
        const sealedFor = JSON.parse(decoded(header).toString())
        const key = [keys.current, keys.previous].find(({ kid }) => kid === sealedFor.kid)
        const isTheirs = Object.entries(namesOf(whose)).every(([name, value]) => sealedFor[name] === value)
        if (key === undefined || !isTheirs) return undefined
        // A shorter tag would be easier to guess, so its length is not for whoever wrote it to say.
        const decipher = createDecipheriv('aes-256-gcm', key.key, decoded(iv), { authTagLength: 16 })
        decipher.setAAD(Buffer.from(header)).setAuthTag(decoded(tag))
        // Throws unless the tag vouches for the header and the token.
        return Buffer.concat([decipher.update(decoded(ciphertext)), decipher.final()]).toString()
      } catch {
        return undefined
      }
    },
  }
}

/** The header is not encrypted, and the key is a secret (law 1): its hash stands there. */
function namesOf({ client_session_id, owner, user_identifier_key }: SealedFor) {
  return { client_session_id, owner, key_sha256: hash('sha256', user_identifier_key, 'base64url') }
}

/** RFC 7516 §7.1; the second part, an encrypted key, is empty with `dir`. */
const compact = /^([^.]+)\.\.([^.]+)\.([^.]+)\.([^.]+)$/

const encoded = (bytes: Buffer) => bytes.toString('base64url')

/** One text for one value: what decodes to the same bytes in another spelling is not what was sealed. */
function decoded(part: string): Buffer {
  const bytes = Buffer.from(part, 'base64url')
  if (encoded(bytes) !== part) throw new Error('no base64url')
  return bytes
}

/** The sealing keys from what is read, made again only when that has changed. */
export function sealingKeyReader(readSecret: (deadline: Deadline) => Promise<string>) {
  let known: { secret: string; keys: SealingKeys } | undefined
  return async function readKeys(deadline: Deadline): Promise<SealingKeys> {
    const secret = await readSecret(deadline)
    if (known?.secret !== secret) known = { secret, keys: sealingKeysFrom(secret) }
    return known.keys
  }
}

type SealingKeys = ReturnType<typeof sealingKeysFrom>

/**
 * The sealing keys from their secret, `{"current": "…", "previous"?: "…"}` with random texts of at least 32
 * characters, as the stack generates them: SHA-256 makes each a key, and names it. The previous one still opens, until
 * the records have been sealed again; where there is none, it is the current one.
 */
export function sealingKeysFrom(secret: string) {
  const { current, previous = current } = Object(parseJson(secret))
  if (isRandomText(current) && isRandomText(previous))
    return { current: sealingKey(current), previous: sealingKey(previous) }
  // What was read must not appear in an error.
  throw new Problem('upstream_unavailable', {
    dependency: 'secrets',
    reason: 'the sealing key secret must be {"current": "<32 or more characters>", "previous"?: …}',
  })
}

function isRandomText(value: unknown): value is string {
  return typeof value === 'string' && value.length >= 32
}

/** AES with 256 bits. */
function sealingKey(text: string) {
  const kid = hash('sha256', `kid:${text}`, 'hex').slice(0, 8)
  return { kid, key: createSecretKey(hash('sha256', text, 'buffer')) }
}
