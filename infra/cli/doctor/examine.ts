import type { Configuration } from '../../../functions/config.ts'
import { CliError } from '../../local/cli-error.ts'
import { stackOf } from '../configuration.ts'
import { UsageError } from '../errors.ts'
import type { Environment, Tool } from '../tool.ts'
import { deployableFindings, stageFindings, warnings } from './configuration.ts'
import { endpointFindings, vendFindings } from './endpoint.ts'
import { bad, type Finding, unknown } from './finding.ts'
import { issuerFindings } from './issuers.ts'
import { keptFindings } from './kept.ts'

type Findings = AsyncGenerator<Finding>

/** One after the other, so that a person sees how it goes. Neither a stack nor an endpoint: the local world, and never AWS. */
export async function* examine(tool: Tool, endpoint?: string, token?: string): Findings {
  const { environment, target, deps } = tool
  if (endpoint === undefined && target.stack === undefined && target.stage === undefined) {
    yield* stageFindings(deps.folder)
    yield* orRed('local world', localFindings(environment, token))
    return
  }
  const { configuration, findings } = deployableFindings(deps.folder, target.stage)
  yield* findings
  if (configuration !== undefined) yield* await issuerFindings(configuration)
  if (endpoint !== undefined) {
    const answers = await endpointFindings(endpoint, configuration?.allowedOrigins ?? [])
    yield* answers
    if (answers[0]?.state === 'good') yield* await vendFindings(endpoint, token)
    yield unknown('what is behind it', 'cannot be seen from outside', 'give --stack NAME or --stage NAME')
    return
  }
  // Of a stage that cannot be used the name is not known.
  const name = configuration === undefined ? target.stack : stackOf(deps.folder, target)
  if (name !== undefined) yield* orRed('stack', deployedFindings(environment, name, configuration, token))
}

/** What cannot be reached is red, with all there is to say. */
async function* orRed(what: string, parts: Findings): Findings {
  try {
    yield* parts
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    yield bad(what, 'cannot be looked into', error.message)
  }
}

async function* localFindings(environment: Environment, token: string | undefined): Findings {
  const { openLocalWorld } = await import('../reach.ts')
  const { worldFindings } = await import('./world.ts')
  const { file, configuration, client, seam } = await openLocalWorld(environment)
  yield* warnings('configuration', configuration)
  yield* await issuerFindings(configuration)
  // A real workspace cannot reach this machine: logins are seen when the page asks.
  const hearsSeam = file.seam_control !== undefined
  const world = { endpoint: file.api, client, tableName: file.table, seam, hearsSeam }
  yield* worldFindings(world, configuration, token)
  client.destroy()
}

async function* deployedFindings(
  environment: Environment,
  name: string,
  configuration: Configuration | undefined,
  token: string | undefined,
): Findings {
  const { findStack, signIn } = await import('../aws/stack.ts')
  const { stackFindings } = await import('./stack.ts')
  try {
    yield* stackFindings(await findStack(name, environment), configuration, token)
  } catch (error) {
    if (error instanceof UsageError) yield* await keptFindings((await signIn(environment)).client, name)
    throw error
  }
}
