import { apiKeyForm } from '../../../functions/api-key.ts'
import { deadlineIn } from '../../../functions/deadline.ts'
import { Problem } from '../../../functions/problem.ts'
import { type Seam, SeamFailure } from '../../../functions/seam.ts'
import { times } from '../../../functions/times.ts'
import { bad, type Finding, good, look } from './finding.ts'

type Workspace = Awaited<ReturnType<Seam['getWorkspace']>>

/** Which workspace the API key opens, and whether it is safe to use. `expected`: whose client sessions the table holds. */
export async function seamFindings(
  seam: Pick<Seam, 'getWorkspace'>,
  expected: string | undefined,
): Promise<Finding[]> {
  try {
    const workspace = await seam.getWorkspace(deadlineIn(times.seam, Date.now))
    return [keyFinding(workspace, expected), publishableFinding(workspace), ...clockFinding(workspace)]
  } catch (error) {
    if (error instanceof Problem && error.details.dependency === 'secrets')
      return [bad('Seam API key', 'is of the wrong form', `store it again; ${apiKeyForm}`)]
    if (!(error instanceof SeamFailure)) throw error
    return [
      error.httpStatus === 401 || error.httpStatus === 403
        ? bad('Seam API key', 'is not accepted', 'make a new one in Seam’s console, and store it')
        : bad('Seam', error.message, 'check "seamEndpoint" and the network'),
    ]
  }
}

function keyFinding({ workspace_id, name, is_sandbox }: Workspace, expected: string | undefined): Finding {
  const opened = `${name ?? workspace_id} (${is_sandbox ? 'sandbox' : 'production'})`
  return expected === undefined || expected === workspace_id
    ? good('Seam API key', `opens ${opened}`)
    : bad(
        'Seam API key',
        `opens ${opened}, and the records belong to workspace ${expected}`,
        'store the key of that workspace',
      )
}

/** Law 1: with it, whoever learns a `user_identifier_key` gets that user’s client session token. */
function publishableFinding({ is_publishable_key_auth_enabled: enabled }: Workspace): Finding {
  const what = 'publishable-key access'
  if (enabled === false) return good(what, 'is off')
  if (enabled === undefined)
    return look(what, 'Seam does not say whether it is on', 'look it up in Seam’s console; it must be off')
  return bad(
    what,
    'is on: browsers may ask Seam for client sessions past this service',
    'switch it off: npm run setup offers to for a stack, or do it in Seam’s console',
  )
}

function clockFinding({ answered_at }: Workspace): Finding[] {
  if (answered_at === undefined) return []
  const seconds = Math.round(Math.abs(Date.now() - answered_at) / 1000)
  if (seconds * 1000 <= times.clocksApart) return []
  return [
    bad(
      'Seam’s clock',
      `and this one are ${seconds} s apart: cleaning up infers nothing then`,
      'set this machine’s clock',
    ),
  ]
}
