import type { Configuration } from '../../../functions/config.ts'
import { CliError } from '../../local/cli-error.ts'
import { stackOf } from '../configuration.ts'
import { UsageError } from '../errors.ts'
import type { Environment } from '../target.ts'
import type { Tool } from '../tool.ts'
import { deployableFindings, stageFindings } from './configuration.ts'
import { endpointFindings, vendFindings } from './endpoint.ts'
import { bad, type Finding, unknown } from './finding.ts'
import { issuerFindings } from './issuers.ts'

/** In parts, so that a person sees how it goes. Neither a stack nor an endpoint: the local world, and never AWS. */
export async function* examine(
  tool: Tool,
  endpoint: string | undefined,
  token: string | undefined,
): AsyncGenerator<Finding[]> {
  const { environment, target } = tool
  const { folder } = tool.deps
  if (endpoint === undefined && target.stack === undefined && target.stage === undefined) {
    yield stageFindings(folder)
    const { localFindings } = await import('./local.ts')
    yield* localFindings(environment, token)
    return
  }
  const { configuration, findings } = deployableFindings(folder, target.stage)
  yield findings
  if (configuration !== undefined) yield await issuerFindings(configuration)
  if (endpoint !== undefined) {
    const answers = await endpointFindings(endpoint, configuration?.allowedOrigins ?? [])
    yield answers
    if (answers[0]?.state === 'good') yield await vendFindings(endpoint, token)
    yield [unknown('what is behind it', 'cannot be seen from outside', 'give --stack NAME or --stage NAME')]
    return
  }
  // Of a stage that cannot be used the name is not known.
  const name = configuration === undefined ? target.stack : stackOf(folder, target)
  if (name !== undefined) yield* deployedFindings(environment, name, configuration, token)
}

async function* deployedFindings(
  environment: Environment,
  name: string,
  configuration: Configuration | undefined,
  token: string | undefined,
): AsyncGenerator<Finding[]> {
  const { findStack, signIn } = await import('../aws/stack.ts')
  try {
    const { stackFindings } = await import('./stack.ts')
    yield* stackFindings(await findStack(name, environment), configuration, token)
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    yield [bad('stack', 'cannot be looked into', error.message)]
    if (!(error instanceof UsageError)) return
    const { keptFindings } = await import('./kept.ts')
    yield await keptFindings((await signIn(environment)).client, name, undefined)
  }
}
