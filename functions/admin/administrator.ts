import * as z from 'zod/v4-mini'
import { accountKeeper } from '../accounts/accounts.ts'
import { type AdminAnswer, type CommandName, contractVersion } from '../admin-client.ts'
import type { Configuration } from '../config.ts'
import type { Deadline } from '../deadline.ts'
import type { Audit, AuditLog, Log } from '../log.ts'
import { Problem, problemBody } from '../problem.ts'
import type { Acting } from './acting.ts'
import { commands } from './commands.ts'

export interface Edges extends Pick<Acting, 'seam' | 'workspace' | 'verifyCaller' | 'terms' | 'clock'> {
  table: Acting['table'] & Parameters<typeof accountKeeper>[0]['table']
  change: Parameters<typeof accountKeeper>[0]['change']
  carryOut: Parameters<typeof accountKeeper>[0]['carryOut']
  log: Log
  /** Where alone subjects stand in clear. */
  auditLog: AuditLog
  during: <T>(audit: Audit, act: () => T) => T
}

/** Answers one request of the contract. Never throws: whatever goes wrong is a problem in the answer. */
export type Administer = (
  event: unknown,
  request: { requestId: string; deadline: Deadline },
) => Promise<AdminAnswer>

const envelope = z.strictObject({
  version: z.literal(contractVersion),
  command: z.string(),
  params: z.unknown(),
  by: z.string().check(z.minLength(1), z.maxLength(200)),
})

export function administrator(edges: Edges, configuration: Configuration): Administer {
  const { clock } = edges

  return async function administer(event, { requestId, deadline }) {
    const startedAt = clock()
    const audit: Audit = { what: 'admin', request_id: requestId }
    const answer = { version: contractVersion, request_id: requestId } as const
    try {
      return { ...answer, result: await edges.during(audit, () => run(event, audit, deadline)) }
    } catch (error) {
      const problem = toProblem(error)
      const { reason, dependency } = problem.details
      const why = { ...(reason !== undefined && { reason }), ...(dependency !== undefined && { dependency }) }
      Object.assign(audit, { code: problem.code, ...why } satisfies Partial<Audit>)
      const { code, title, detail, action } = problemBody(problem, requestId)
      return {
        ...answer,
        problem: { code, title, action, ...(detail !== undefined && { detail }), ...why },
      }
    } finally {
      audit.took = clock() - startedAt
      edges.log(audit)
    }
  }

  async function run(event: unknown, audit: Audit, deadline: Deadline) {
    const request = envelope.safeParse(event)
    if (!request.success) throw invalid('the request', request.error)
    const { command, params, by } = request.data
    if (!isCommand(command))
      throw new Problem('invalid_request', {
        detail: `There is no such command; there are ${Object.keys(commands).join(', ')}.`,
      })
    audit.command = command
    const { request_id } = audit
    const keeper = accountKeeper(
      {
        ...edges,
        noteChange: (change) => {
          audit.owner = change.owner
          edges.auditLog({ what: 'account', act: command, by, request_id, ...change })
        },
      },
      edges.terms,
      configuration.limits,
    )
    return runCommand(command, params, { ...edges, keeper, configuration, deadline, audit })
  }
}

async function runCommand<C extends CommandName>(command: C, params: unknown, acting: Acting) {
  const row = commands[command]
  const taken = row.takes.safeParse(params)
  if (!taken.success) throw invalid(command, taken.error, 'malformed')
  return row.run(acting, taken.data)
}

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(commands, name)
}

/** Where and what, never the value: it may be a token. */
function invalid(what: string, error: z.core.$ZodError, reason?: 'malformed'): Problem {
  const [issue] = error.issues
  const where = [what, ...(issue?.path ?? [])].join('.')
  return new Problem('invalid_request', {
    detail: `${where}: ${issue?.message}`,
    ...(reason !== undefined && { reason }),
  })
}

/** An unforeseen error says its name and nothing more: its message may quote a secret. */
function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  return new Problem('internal', { reason: error instanceof Error ? error.name : 'unknown' })
}
