import type { Configuration } from '../../../functions/config.ts'
import { seamClient } from '../../../functions/seam.ts'
import { times } from '../../../functions/times.ts'
import { safeAddress } from '../../local/environment.ts'
import { Trouble } from '../../local/trouble.ts'
import { command } from '../command.ts'
import { deployableFindings, localFileFindings } from '../doctor/configuration.ts'
import { endpointFindings } from '../doctor/endpoint.ts'
import { bad, type Finding, findingLine, summary, unknown } from '../doctor/finding.ts'
import { issuerFindings } from '../doctor/issuers.ts'
import { localFindings } from '../doctor/local.ts'
import { machineFindings } from '../doctor/machine.ts'
import { seamFindings } from '../doctor/seam.ts'
import { stackFindings } from '../doctor/stack.ts'
import { vendFindings } from '../doctor/vend.ts'
import { webhookFindings } from '../doctor/webhooks.ts'
import { UsageError } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import { readSecretLine, type Tool } from '../tool.ts'
import { tokenFromInput } from './sessions.ts'

export const doctor = command({
  group: 'start',
  about:
    'examine the local world, a stack or an endpoint, and say what to do; with SEAM_API_KEY, also what that key opens',
  options: {
    endpoint: { value: '<url>', about: 'only from outside, over HTTPS: the stack’s output "Endpoint"' },
    token: {
      value: '<->',
      about:
        'try one vend and one sign-out with the bearer token on standard input; ends its user’s client session',
    },
  },
  examples: [
    'doctor',
    'doctor --stack token-vending-prod',
    'doctor --stage prod --token - < bearer-token.txt',
  ],
  async run(tool, _, options) {
    if (options.token !== undefined) tokenFromInput(options.token)
    const endpoint = options.endpoint === undefined ? undefined : addressFrom(options.endpoint)
    if (tool.target.stack !== undefined && endpoint !== undefined)
      throw new UsageError('Give --stack or --endpoint: a stack tells its endpoint itself.')
    const token = options.token && (await readSecretLine(tool.streams, 'bearer token'))
    const all: Finding[] = []
    for await (const findings of examine(tool, endpoint, token))
      for (const finding of findings) {
        all.push(finding)
        await tool.show(finding, () => findingLine(finding, tool.paint))
      }
    if (!tool.json) await tool.show(undefined, () => `\n${summary(all)}`)
    return all.some(({ state }) => state === 'bad') ? exitCodes.unexpected : exitCodes.done
  },
})

/** In parts, so that a person sees how it goes. */
async function* examine(
  tool: Tool,
  endpoint: string | undefined,
  token: string | undefined,
): AsyncGenerator<Finding[]> {
  const { environment, target } = tool
  yield await machineFindings()
  if (endpoint === undefined && target.stack === undefined && target.stage === undefined) {
    yield localFileFindings(tool.folder)
    yield await localFindings(environment, token)
    return
  }
  const { configuration, findings } = deployableFindings(tool.folder, target.stage)
  yield findings
  if (configuration !== undefined) yield await issuerFindings(configuration)
  const deployed = configuration ?? { allowedOrigins: [], cleanup: usualCleanup }
  if (endpoint !== undefined) {
    yield* endpointFindingsOf(endpoint, configuration, environment.SEAM_API_KEY, token)
    return
  }
  if (target.stack === undefined && configuration === undefined) return
  const found = await tool.deployedStack().catch(asFinding)
  if (found === undefined) return
  if ('state' in found) yield [found]
  else yield* stackFindings(found, deployed, token)
}

async function* endpointFindingsOf(
  endpoint: string,
  configuration: Configuration | undefined,
  apiKey: string | undefined,
  token: string | undefined,
): AsyncGenerator<Finding[]> {
  const answers = await endpointFindings(endpoint, configuration?.allowedOrigins ?? [])
  yield answers
  if (answers[0]?.state === 'good') yield await vendFindings(endpoint, token)
  if (configuration !== undefined) yield await seamFromOutside(configuration, endpoint, apiKey)
  yield [
    unknown('table, schedule and alarms', 'cannot be seen from outside', 'npm run doctor -- --stack NAME'),
  ]
}

/** As the configuration has it by default. */
const usualCleanup = { everyMinutes: 5, callsPerSecond: 5, concurrency: 4 }

function asFinding(error: unknown): Finding {
  if (error instanceof Trouble) return bad('stack', 'cannot be looked into', error.message)
  throw error
}

async function seamFromOutside(
  { seamEndpoint }: Configuration,
  endpoint: string,
  apiKey: string | undefined,
): Promise<Finding[]> {
  if (!apiKey)
    return [unknown('Seam API key', 'not checked', 'set SEAM_API_KEY; publishable-key access must be off')]
  const seam = seamClient({ endpoint: seamEndpoint, apiKey: async () => apiKey, times })
  const findings = await seamFindings(seam, undefined)
  const isAccepted = findings[0]?.state === 'good'
  return isAccepted
    ? [...findings, ...(await webhookFindings({ endpoint: seamEndpoint, apiKey }, endpoint))]
    : findings
}

/** A bearer token is sent there. */
function addressFrom(text: string): string {
  const address = safeAddress(text)
  if (address !== undefined) return address
  throw new UsageError(`--endpoint: give the https:// address that the deployment printed as "Endpoint".`)
}
