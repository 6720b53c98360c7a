import * as writes from '../record/writes.ts'
import { type RecordChange, refuseRemoved } from './change.ts'

/** Changes that need no more than the record. Each takes access away, unless it says otherwise. */

export const withdraw = (accountIds: string[]): RecordChange => ({
  write: (user, now) => writes.withdraw(user, accountIds, now),
})

/** Disabled users have no client session and get none. */
export const disable = (): RecordChange => ({ write: (user, now) => writes.disable(user, 'operator', now) })

export const enable = (): RecordChange => ({
  effect: 'gives',
  write: (user) => {
    refuseRemoved(user)
    return writes.enable(user, 'operator')
  },
})

export const remove = (): RecordChange => ({ write: writes.remove })

/** The next requests make new ones. */
export const endSessions = (): RecordChange => ({ write: writes.retireAll })

/** Looks at this binding's alone. */
export const endSession = (binding: string): RecordChange => ({
  write: (user, now) => writes.retire(user, [binding], now),
  binding,
})

/** Refuses the bearer tokens issued so far, and ends all sessions. */
export const signOutEverywhere = (): RecordChange => ({ write: writes.signOutEverywhere })
