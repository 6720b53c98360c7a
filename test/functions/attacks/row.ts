import type { AttackedWorld, StrangeRequest } from './world.ts'

/** One line of the table: what a stranger sends, and exactly what is answered; the reason in the log tells what held it off. */
export interface Row {
  class: string
  name: string
  request(world: AttackedWorld): StrangeRequest
  answer: Answer
}

export type Answer = Vends | Refuses

/** 200 or 201, and a token for this subject. */
export interface Vends {
  vends: string
}

export interface Refuses {
  status: number
  /** Absent for answers without a body. */
  code?: string
  action?: string
  /** In the log alone. */
  reason?: string
  /** The caller's own, once verified. */
  subject?: string
  /** Headers that must be there with this value, or (null) must not be there. */
  headers?: Record<string, string | null>
}

export const bearer = (token: string, more: StrangeRequest = {}): StrangeRequest => ({
  ...more,
  headers: [['authorization', `Bearer ${token}`], ...(more.headers ?? [])],
})

/** The one answer to every token that is not accepted. */
export const invalidToken = (reason: string): Refuses => ({
  status: 401,
  code: 'invalid_token',
  action: 'reauthenticate',
  reason,
  headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
})

export const missingToken: Refuses = {
  status: 401,
  code: 'missing_token',
  action: 'reauthenticate',
  headers: { 'www-authenticate': 'Bearer' },
}

export const keysUnavailable = (reason?: string): Refuses => ({
  status: 503,
  code: 'issuer_keys_unavailable',
  action: 'retry',
  ...(reason !== undefined && { reason }),
  headers: { 'retry-after': '30' },
})

export const tooLong: Refuses = {
  status: 413,
  code: 'too_large',
  action: 'fix_request',
  reason: 'too_long',
  headers: { 'www-authenticate': null },
}

type TokenAttack = [name: string, reason: string, token: (world: AttackedWorld) => string]

/** Attacks that consist of a token alone. */
export function tokens(className: string, attacks: TokenAttack[], answer = invalidToken): Row[] {
  return attacks.map(([name, reason, token]) => ({
    class: className,
    name,
    request: (world) => bearer(token(world)),
    answer: answer(reason),
  }))
}

type RequestAttack = [name: string, answer: Refuses, request: (world: AttackedWorld) => StrangeRequest]

/** Attacks that need a whole request. */
export function requests(className: string, attacks: RequestAttack[]): Row[] {
  return attacks.map(([name, answer, request]) => ({
    class: className,
    name,
    request,
    answer,
  }))
}
