import { hash } from 'node:crypto'
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose'
import type { Deadline } from './deadline.ts'

/**
 * Client session tokens sealed at rest (JWE, `dir` with `A256GCM`): reading the table or a backup opens no doors.
 * The protected header carries the sealing key's `kid` and the client session's id, both checked on opening, so
 * that a token cannot be moved to another record.
 */

export interface SealingKey {
  kid: string
  /** AES with 256 bits, not extractable. */
  key: CryptoKey
}

export interface SealingKeys {
  current: SealingKey
  /** Still opens, until the records have been sealed anew. */
  previous?: SealingKey
}

export interface Seal {
  seal(token: string, clientSessionId: string, deadline: Deadline): Promise<string>
  /** The token, or undefined when it cannot be opened: key lost, tampered with, or another client session's. */
  open(sealed: string, clientSessionId: string, deadline: Deadline): Promise<string | undefined>
}

export function tokenSealer(readKeys: (deadline: Deadline) => Promise<SealingKeys>): Seal {
  return {
    async seal(token, client_session_id, deadline) {
      const { current } = await readKeys(deadline)
      return new CompactEncrypt(new TextEncoder().encode(token))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: current.kid, client_session_id })
        .encrypt(current.key)
    },
    async open(sealed, clientSessionId, deadline) {
      const keys = await readKeys(deadline)
      try {
        const { kid, client_session_id } = decodeProtectedHeader(sealed)
        const key = [keys.current, keys.previous].find((candidate) => candidate?.kid === kid)
        if (key === undefined || client_session_id !== clientSessionId) return undefined
        const { plaintext } = await compactDecrypt(sealed, key.key, {
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
        })
        return new TextDecoder().decode(plaintext)
      } catch {
        return undefined
      }
    },
  }
}

/** The sealing keys from what is read, made anew only when it reads otherwise. */
export function sealingKeyReader(readSecret: (deadline: Deadline) => Promise<string>) {
  let known: { secret: string; keys: Promise<SealingKeys> } | undefined
  return async function readKeys(deadline: Deadline): Promise<SealingKeys> {
    const secret = await readSecret(deadline)
    if (known?.secret !== secret) known = { secret, keys: sealingKeysFrom(secret) }
    return known.keys
  }
}

/**
 * The sealing keys from their secret, `{"current": "…", "previous"?: "…"}` with random texts of at least 32
 * characters, as the stack generates them: SHA-256 makes each a key, and names it.
 */
export async function sealingKeysFrom(secret: string): Promise<SealingKeys> {
  const { current, previous } = parseSecret(secret)
  return {
    current: await sealingKey(current),
    ...(previous !== undefined && { previous: await sealingKey(previous) }),
  }
}

function parseSecret(secret: string): { current: string; previous?: string } {
  try {
    const { current, previous } = JSON.parse(secret) as Record<string, unknown>
    if (isRandomText(current) && (previous === undefined || isRandomText(previous)))
      return { current, ...(previous !== undefined && { previous }) }
  } catch {
    // Falls through: what was read must not appear in an error.
  }
  throw new Error('the sealing key secret must be {"current": "<32 or more characters>", "previous"?: …}')
}

function isRandomText(value: unknown): value is string {
  return typeof value === 'string' && value.length >= 32
}

async function sealingKey(text: string): Promise<SealingKey> {
  const kid = hash('sha256', `kid:${text}`, 'hex').slice(0, 8)
  const bytes = hash('sha256', text, 'buffer')
  return { kid, key: await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']) }
}
