import { endSessions } from '../accounts/acts.ts'
import { sideBySide } from '../seam/rate-limit.ts'
import { type Acting, forOneUser } from './acting.ts'
import type { Params, Result } from './client.ts'
import { pageOfUsers } from './looking.ts'
import { countOurs } from './unrecorded.ts'

const pageSize = 50

/** Ends every client session of a page of users. Who is vended to meanwhile has one again: close vending first. */
export async function drainPage(acting: Acting, params: Params<'drain'>): Promise<Result<'drain'>> {
  const { users, after } = await pageOfUsers(acting, { ...params, limit: pageSize })
  const holding = users.filter(
    ({ sessions, retired }) => Object.keys(sessions).length > 0 || retired.length > 0,
  )
  const counts = { ended: 0, will_be_retried: 0 }
  await sideBySide(holding, acting.configuration.cleanup.concurrency, async ({ owner }) => {
    const ended = await endSessions(acting, owner, forOneUser(acting)).catch(() => undefined)
    if (ended === undefined || ended.failure !== undefined) counts.will_be_retried++
    else if (ended.trace.seam_calls.includes('delete')) counts.ended++
  })
  return {
    looked_at: users.length,
    ...counts,
    ...(after === undefined ? { remaining: await countOurs(acting) } : { after }),
  }
}
