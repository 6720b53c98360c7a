import { parseArgs } from 'node:util'
import type { Configuration } from '../../functions/config.ts'
import { seamClient } from '../../functions/seam.ts'
import { times } from '../../functions/times.ts'
import type { Environment } from '../admin/reach.ts'
import { readSecretLine, type Streams, writeTo } from '../admin/tool.ts'
import { findStack } from '../deployed/stack.ts'
import { safeAddress } from '../local/environment.ts'
import { Trouble } from '../local/trouble.ts'
import { deployableConfiguration } from './configuration.ts'
import { endpointFindings } from './endpoint.ts'
import { bad, type Finding, findingLine, summary, unknown } from './finding.ts'
import { issuerFindings } from './issuers.ts'
import { localFindings } from './local.ts'
import { machineFindings } from './machine.ts'
import { seamFindings } from './seam.ts'
import { stackFindings } from './stack.ts'
import { vendFindings } from './vend.ts'
import { webhookFindings } from './webhooks.ts'

const usage = `npm run doctor                        looks at the local world that runs
npm run doctor -- --stack NAME        looks at a deployed stack
npm run doctor -- --endpoint URL      looks at a deployed endpoint, over HTTPS alone

  --stage NAME   the configuration that was deployed there, instead of cdk.json's
  --token -      tries one vend and one sign-out with the bearer token on standard input;
                 its user's client session ends, on all their devices
  --json         prints one JSON object a line

With --endpoint and SEAM_API_KEY set, also what that key opens. Ends with 1 when something is red, with 2 when it was not understood.`

/** `npm run doctor`, but for the process around it. Returns the exit code. */
export async function runDoctor(
  words: string[],
  environment: Environment,
  streams: Streams,
): Promise<number> {
  const { stdout, stderr } = streams
  try {
    const options = readOptions(words)
    if (options.help) {
      await writeTo(stdout, `${usage}\n`)
      return 0
    }
    const token = options.token === undefined ? undefined : await readSecretLine(streams, 'bearer token')
    const all: Finding[] = []
    for await (const findings of looks(options, environment, token))
      for (const finding of findings) {
        all.push(finding)
        await writeTo(stdout, `${options.json ? JSON.stringify(finding) : findingLine(finding)}\n`)
      }
    if (!options.json) await writeTo(stdout, `\n${summary(all)}\n`)
    return all.some(({ state }) => state === 'bad') ? 1 : 0
  } catch (error) {
    if (!(error instanceof Trouble)) throw error
    await writeTo(stderr, `${error.message}\n`)
    return 2
  }
}

/** In parts, so that a person sees how it goes. */
async function* looks(
  { stack, endpoint, stage }: ReturnType<typeof readOptions>,
  environment: Environment,
  token: string | undefined,
): AsyncGenerator<Finding[]> {
  yield await machineFindings()
  const isLocal = endpoint === undefined && stack === undefined
  const { configuration, findings } = await deployableConfiguration(stage, isLocal)
  yield findings
  if (isLocal) {
    yield await localFindings(environment, token)
    return
  }
  if (configuration !== undefined) yield await issuerFindings(configuration)
  const deployed = configuration ?? { allowedOrigins: [], cleanup: usualCleanup }
  if (stack !== undefined) {
    const found = await findStack(stack, environment).catch(asFinding)
    if ('state' in found) {
      yield [found]
      return
    }
    yield* stackFindings(found, deployed, token)
    return
  }
  const address = endpoint ?? ''
  const answers = await endpointFindings(address, deployed.allowedOrigins)
  yield answers
  if (answers[0]?.state === 'good') yield await vendFindings(address, token)
  if (configuration !== undefined)
    yield await seamFromOutside(configuration, address, environment.SEAM_API_KEY)
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

function readOptions(words: string[]) {
  const flag = { type: 'boolean', default: false } as const
  const text = { type: 'string' } as const
  const options = { endpoint: text, stage: text, token: text, stack: text, json: flag, help: flag }
  const values = parsed()
  if (values.stack !== undefined && values.endpoint !== undefined)
    throw new Trouble('Give --stack or --endpoint: a stack tells its endpoint itself.')
  if (values.token !== undefined && values.token !== '-')
    throw new Trouble(
      'Give the bearer token on standard input, and "--token -": an argument would stay in the shell’s history.',
    )
  const { endpoint } = values
  return { ...values, endpoint: endpoint === undefined ? undefined : addressFrom(endpoint) }

  function parsed() {
    try {
      return parseArgs({ args: words, options }).values
    } catch (error) {
      throw new Trouble(`${error instanceof Error ? error.message : error}\n\n${usage}`)
    }
  }
}

/** A bearer token is sent there. */
function addressFrom(text: string): string {
  const address = safeAddress(text)
  if (address !== undefined) return address
  throw new Trouble(`--endpoint: give the https:// address that the deployment printed as "Endpoint".`)
}
