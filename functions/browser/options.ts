/** What a page tells the helper. */

export type Bearer = string | null | undefined

/**
 * The bearer token of the user who is signed in now, or nothing when nobody is. It is called at every use, because only
 * this shows a switch of user: answer from your identity provider's cache, unless `fresh` asks for a new one.
 */
export type GetToken = (options: { fresh: boolean }) => Bearer | Promise<Bearer>

/** What in a bearer token's claims tells users apart. */
export type SubjectOf = (claims: Record<string, unknown>) => unknown

/** What a sign-in must be like (RFC 9470): one of these `acr` values, and no more than so many seconds ago. */
export interface Requirement {
  readonly acrValues: readonly string[]
  readonly maxAge: number | undefined
}

export type OnStepUp = (requirement: Requirement) => unknown

export interface ClientSessionOptions {
  /** The deployment's address, with or without `/client-session`. */
  url: string
  getToken: GetToken
  /**
   * For a configuration with a `subjectClaim` of its own.
   * @default `iss` and `sub`
   */
  subjectOf?: SubjectOf
  /**
   * The endpoint wants a stronger or a more recent sign-in: let the user sign in so at your identity provider, in a window
   * or by a redirect, and resolve when that is done. `getToken({ fresh: true })` is called next, and what it gives is tried
   * once. Never called from a timer, and never twice for one requirement: what is still not enough, or was rejected, is
   * an error with the action `step_up`, and `reset` allows another try. A redirect starts the page anew: keep a mark in
   * `sessionStorage`, so that a provider that ignores the requirement is not asked for ever.
   */
  onStepUp?: OnStepUp
}
