import * as z from 'zod/v4-mini'
import type { Audit, AuditLog, Log } from '../http/audit.ts'
import type { Deadline } from '../http/deadline.ts'
import { noteProblem, Problem, problemBody, problemOf } from '../http/problem.ts'
import { during } from '../http/steps.ts'
import type { Acting } from './acting.ts'
import { type AdminAnswer, type AdminProblem, type CommandName, contractVersion } from './client.ts'
import { commands } from './commands.ts'
import { firstIssue } from './words.ts'

export interface AdminDeps extends Omit<Acting, 'deadline' | 'audit' | 'noteChange'> {
  log: Log
  /** The only log with subjects in clear. */
  auditLog: AuditLog
}

/** Answers one request of the contract. Never throws: whatever goes wrong is a problem in the answer. */
export type Administer = (
  event: unknown,
  request: { requestId: string; deadline: Deadline },
) => Promise<AdminAnswer>

const names = Object.keys(commands) as CommandName[]
const envelope = z.strictObject({
  version: z.literal(contractVersion),
  command: z.enum(names, { error: `there is no such command; there are ${names.join(', ')}` }),
  params: z.unknown(),
  by: z.string().check(z.minLength(1), z.maxLength(200)),
})

export async function administer(
  deps: AdminDeps,
  event: unknown,
  { requestId, deadline }: Parameters<Administer>[1],
): Promise<AdminAnswer> {
  const startedAt = deps.clock()
  const audit: Audit = { what: 'admin', request_id: requestId }
  const answer = { version: contractVersion, request_id: requestId } as const
  try {
    return { ...answer, result: await during(audit, () => run(deps, event, audit, deadline)) }
  } catch (error) {
    return { ...answer, problem: problemIn(error, audit) }
  } finally {
    audit.took = deps.clock() - startedAt
    deps.log(audit)
  }
}

function problemIn(error: unknown, audit: Audit): AdminProblem {
  const problem = problemOf(error)
  noteProblem(audit, problem)
  const { code, title, detail, action } = problemBody(problem, audit.request_id)
  const { reason, dependency } = problem.details
  return { code, title, action, detail, reason, dependency }
}

function run(deps: AdminDeps, event: unknown, audit: Audit, deadline: Deadline) {
  const request = envelope.safeParse(event)
  if (!request.success)
    throw new Problem('invalid_request', { detail: firstIssue(request.error, 'the request') })
  const { command, params, by } = request.data
  audit.command = command
  const { request_id } = audit
  const noteChange: Acting['noteChange'] = (change) => {
    audit.owner = change.owner
    deps.auditLog({ what: 'account', act: command, by, request_id, ...change })
  }
  return runCommand(command, params, { ...deps, noteChange, deadline, audit })
}

async function runCommand<C extends CommandName>(command: C, params: unknown, acting: Acting) {
  const row = commands[command]
  const taken = row.takes.safeParse(params)
  if (!taken.success)
    throw new Problem('invalid_request', { reason: 'malformed', detail: firstIssue(taken.error, command) })
  return row.run(acting, taken.data)
}
