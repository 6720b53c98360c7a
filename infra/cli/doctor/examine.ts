import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Configuration } from '../../../functions/config.ts'
import { CliError } from '../../local/cli-error.ts'
import { stackOf } from '../configuration.ts'
import { UsageError } from '../errors.ts'
import type { Tool } from '../tool.ts'
import { deployableFindings, localFileFindings } from './configuration.ts'
import { endpointFindings, vendFindings } from './endpoint.ts'
import { bad, check, type Finding, good, look, unknown } from './finding.ts'
import { issuerFindings } from './issuers.ts'
import { workspaceFindings } from './seam.ts'

/** In parts, so that a person sees how it goes. Neither a stack nor an endpoint: the local world, and never AWS. */
export async function* examine(
  tool: Tool,
  endpoint: string | undefined,
  token: string | undefined,
): AsyncGenerator<Finding[]> {
  const { environment, target } = tool
  const { folder } = tool.deps
  yield await machineFindings()
  if (endpoint === undefined && target.stack === undefined && target.stage === undefined) {
    yield localFileFindings(folder)
    const { localFindings } = await import('./local.ts')
    yield await localFindings(environment, token)
    return
  }
  const { configuration, findings } = deployableFindings(folder, target.stage)
  yield findings
  if (configuration !== undefined) yield await issuerFindings(configuration)
  if (endpoint !== undefined) yield* outsideFindings(endpoint, configuration, environment.SEAM_API_KEY, token)
  else if (target.stack !== undefined || configuration !== undefined)
    yield* deployedFindings(tool, configuration, token)
}

async function* deployedFindings(
  tool: Tool,
  configuration: Configuration | undefined,
  token: string | undefined,
): AsyncGenerator<Finding[]> {
  try {
    const stack = await tool.deployedStack()
    const { stackFindings } = await import('./stack.ts')
    if (stack !== undefined) yield* stackFindings(stack, configuration, token)
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    yield [bad('stack', 'cannot be looked into', error.message)]
    const name = stackOf(tool.deps.folder, tool.target)
    if (!(error instanceof UsageError) || name === undefined) return
    const [{ signIn }, { keptFindings }] = await Promise.all([import('../aws/stack.ts'), import('./kept.ts')])
    yield await keptFindings((await signIn(tool.environment)).client, name, undefined)
  }
}

async function* outsideFindings(
  endpoint: string,
  configuration: Configuration | undefined,
  apiKey: string | undefined,
  token: string | undefined,
): AsyncGenerator<Finding[]> {
  const answers = await endpointFindings(endpoint, configuration?.allowedOrigins ?? [])
  yield answers
  if (answers[0]?.state === 'good') yield await vendFindings(endpoint, token)
  if (configuration !== undefined && apiKey)
    yield await workspaceFindings({ endpoint: configuration.seamEndpoint, apiKey }, undefined, endpoint)
  else if (configuration !== undefined)
    yield [unknown('Seam API key', 'not checked', 'set SEAM_API_KEY; publishable-key access must be off')]
  yield [
    unknown('table, schedule and alarms', 'cannot be seen from outside', 'npm run doctor -- --stack NAME'),
  ]
}

/** What the project's commands run with. */
export async function machineFindings(versions = versionsHere()): Promise<Finding[]> {
  const { node, npm } = await versions
  const isNewEnough = node.localeCompare('20.19', 'en', { numeric: true }) > 0
  return [
    check('Node', isNewEnough, node, `${node} runs this`, 'install Node 20.19 or later'),
    npm === undefined
      ? unknown('npm', 'is not on the path')
      : Number.parseInt(npm, 10) >= 11
        ? good('npm', npm)
        : look('npm', npm, 'npm install -g npm@11, with which the lock file was made'),
  ]
}

async function versionsHere(): Promise<{ node: string; npm: string | undefined }> {
  const npm = await promisify(execFile)('npm', ['--version'], { shell: process.platform === 'win32' }).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  )
  return { node: process.versions.node, npm }
}
