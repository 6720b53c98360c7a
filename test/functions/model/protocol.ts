import { cleanUp } from '../../../functions/cleanup/run.ts'
import { bindingOfSid } from '../../../functions/session/binding.ts'
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
  /** Which login a provider's logout is about. */
  bindingOfSid: typeof bindingOfSid
  vend: typeof vend
  signOut: typeof signOut
  signOutEverywhere: typeof signOutEverywhere
  keeperOf: typeof keeperOf
  cleanUp: typeof cleanUp
}

export const protocol: Protocol = {
  edgesOf,
  termsOf: (terms) => terms,
  bindingOfSid,
  vend,
  signOut,
  signOutEverywhere,
  keeperOf,
  cleanUp,
}
