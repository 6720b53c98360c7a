import { clientSessionAnswer, problemAnswer } from '../../../functions/contract.ts'
import { deadlineIn } from '../../../functions/deadline.ts'
import { seamClient } from '../../../functions/seam.ts'
import { times } from '../../../functions/times.ts'
import { send } from './endpoint.ts'
import { bad, type Finding, good, unknown } from './finding.ts'

/** One vend and one sign-out with somebody's bearer token: their client session ends, on all their devices. */
export async function vendFindings(endpoint: string, token: string | undefined): Promise<Finding[]> {
  if (token === undefined)
    return [unknown('a vend', 'not tried', 'give a bearer token on standard input with "--token -"')]
  const headers = { authorization: `Bearer ${token}` }
  const response = await send(`${endpoint}/client-session`, { method: 'POST', headers })
  const body: unknown = await response.json().catch(() => undefined)
  const vended = clientSessionAnswer.safeParse(body)
  if (!response.ok || !vended.success) return [refusedVend(response.status, body)]

  const seam = seamClient({ endpoint: vended.data.endpoint, apiKey: async () => '', times })
  const opens = async () =>
    (await seam.whose(vended.data.token, deadlineIn(times.vend, Date.now)))?.client_session_id
  const { client_session_id, expires_in } = vended.data
  const opened = (await opens()) === client_session_id
  const signedOut = await send(`${endpoint}/client-session`, { method: 'DELETE', headers })
  const left = signedOut.status === 204 ? await opens() : client_session_id
  return [
    opened
      ? good('a vend', `${response.status}; Seam accepts the token, for ${expires_in} s`)
      : bad(
          'a vend',
          'Seam does not accept the token that was vended',
          'look into the log by its request id',
        ),
    left === undefined
      ? good('a sign-out', '204; Seam accepts the token no more')
      : bad(
          'a sign-out',
          `${signedOut.status}; the token still works`,
          'look into the log; cleaning up tries again',
        ),
  ]
}

function refusedVend(status: number, body: unknown): Finding {
  const problem = problemAnswer.safeParse(body)
  if (!problem.success) return bad('a vend', `${status}, and no answer of this service`, 'look into the log')
  const { code, subject } = problem.data
  const todo = {
    reauthenticate: 'ask "npm run admin -- explain" why with the same token',
    stop:
      subject === undefined
        ? 'look into the log'
        : `npm run admin -- grant '${subject}' <connected_account_id>`,
    retry: 'try again; then look into the log',
    fix_request: 'this doctor and the service are of two versions',
  }[problem.data.action]
  return bad('a vend', `${status} ${code}${subject === undefined ? '' : ` for ${subject}`}`, todo)
}
