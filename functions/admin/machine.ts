import type { Configuration } from '../config.ts'
import type { AuditLog } from '../log.ts'
import { type Caching, callers, depsOf, onlyReading } from '../machine.ts'
import type { Times } from '../times.ts'
import { type AdminDeps, type Administer, administer } from './administrator.ts'

/** The operator's worlds: whoever changes a mapping is logged, subject in clear. */
export type AdminWorlds = Omit<Caching, 'requestId'> & { auditLog: AuditLog }

/** The parts put together: the same for Lambda and for the local world. */
export function adminMachine(
  configuration: Configuration,
  times: Times,
  worlds: AdminWorlds,
  options: { loopback?: boolean } = {},
): Administer {
  const deps = depsOf(configuration, times, { ...worlds, requestId: () => '' })
  const { verifyCaller } = callers(deps, worlds, onlyReading(worlds.table), options)
  const adminDeps: AdminDeps = { ...deps, verifyCaller, auditLog: worlds.auditLog }
  return (event, request) => administer(adminDeps, event, request)
}
