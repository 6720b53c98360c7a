import { accountKeeper } from '../../../functions/accounts/accounts.ts'
import { verdictCarrier } from '../../../functions/carrying-out.ts'
import { userChanger } from '../../../functions/change.ts'
import { cleaner } from '../../../functions/cleaning/cleaning-up.ts'
import { signerOut, tokenVendor } from '../../../functions/vending.ts'
import { edgesOf } from './edges.ts'

/**
 * What the acts of a process are put together from: what it reads, writes and calls, and the functions on top. A
 * mistake is a variant of this object, so it survives whatever is renamed or rewritten behind these functions.
 */
export interface Protocol {
  edgesOf: typeof edgesOf
  userChanger: typeof userChanger
  verdictCarrier: typeof verdictCarrier
  accountKeeper: typeof accountKeeper
  tokenVendor: typeof tokenVendor
  signerOut: typeof signerOut
  cleaner: typeof cleaner
}

export const protocol: Protocol = {
  edgesOf,
  userChanger,
  verdictCarrier,
  accountKeeper,
  tokenVendor,
  signerOut,
  cleaner,
}
