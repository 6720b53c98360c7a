import { cleanUp } from '../../../functions/cleanup/run.ts'
import type { Terms } from '../../../functions/session/terms.ts'
import { signOut, signOutEverywhere } from '../../../functions/vending/sign-out.ts'
import { vend } from '../../../functions/vending/vend.ts'
import { keeperOf } from '../keeper.ts'
import { edgesOf } from './edges.ts'

/**
 * What the acts of a process are put together from: what it reads, writes and calls, its terms, and the functions on
 * top. A mistake is a variant of this object, so it survives whatever is renamed or rewritten behind these functions.
 */
export interface Protocol {
  edgesOf: typeof edgesOf
  /** What the configuration leads to. */
  termsOf: (terms: Terms) => Terms
  vend: typeof vend
  signOut: typeof signOut
  signOutEverywhere: typeof signOutEverywhere
  keeperOf: typeof keeperOf
  cleanUp: typeof cleanUp
}

export const protocol: Protocol = {
  edgesOf,
  termsOf: (terms) => terms,
  vend,
  signOut,
  signOutEverywhere,
  keeperOf,
  cleanUp,
}
