import { parseArgs } from 'node:util'
import { seamClient } from '../../functions/seam.ts'
import { times } from '../../functions/times.ts'
import type { Environment } from '../admin/reach.ts'
import { readSecretLine, type Streams, writeTo } from '../admin/tool.ts'
import { Trouble } from '../local/trouble.ts'
import { deployableConfiguration } from './configuration.ts'
import { endpointFindings } from './endpoint.ts'
import { type Finding, findingLine, summary, unknown } from './finding.ts'
import { issuerFindings } from './issuers.ts'
import { localFindings } from './local.ts'
import { machineFindings } from './machine.ts'
import { seamFindings } from './seam.ts'
import { vendFindings } from './vend.ts'

const usage = `npm run doctor                        looks at the local world that runs
npm run doctor -- --endpoint URL      looks at a deployed endpoint, over HTTPS alone

  --stage NAME   the configuration that was deployed there, instead of cdk.json's
  --token -      tries one vend and one sign-out with the bearer token on standard input;
                 its user's client session ends, on all their devices
  --json         prints one JSON object a line

With SEAM_API_KEY set, also what that key opens. Ends with 1 when something is red, with 2 when it was not understood.`

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
  { endpoint, stage }: ReturnType<typeof readOptions>,
  environment: Environment,
  token: string | undefined,
): AsyncGenerator<Finding[]> {
  yield await machineFindings()
  const { configuration, findings } = await deployableConfiguration(stage, endpoint === undefined)
  yield findings
  if (endpoint === undefined) {
    yield await localFindings(environment, token)
    return
  }
  const answers = await endpointFindings(endpoint, configuration?.allowedOrigins ?? [])
  yield answers
  if (configuration !== undefined) {
    yield await issuerFindings(configuration)
    const apiKey = environment.SEAM_API_KEY
    yield apiKey
      ? await seamFindings(
          seamClient({ endpoint: configuration.seamEndpoint, apiKey: async () => apiKey, times }),
          undefined,
        )
      : [unknown('Seam API key', 'not checked', 'set SEAM_API_KEY; publishable-key access must be off')]
  }
  if (answers[0]?.state === 'good') yield await vendFindings(endpoint, token)
  yield [
    unknown(
      'table, schedule and alarms',
      'cannot be seen from outside',
      'look at the stack’s dashboard and alarms',
    ),
  ]
}

function readOptions(words: string[]) {
  const flag = { type: 'boolean', default: false } as const
  const text = { type: 'string' } as const
  const options = { endpoint: text, stage: text, token: text, stack: text, json: flag, help: flag }
  const values = parsed()
  if (values.stack !== undefined)
    throw new Trouble(
      'This version cannot look into a stack: it would need clients of CloudFormation, Lambda, CloudWatch and SNS. Give the stack’s output "Endpoint" as --endpoint instead.',
    )
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

/** A bearer token is sent there: over https, or on this machine. */
function addressFrom(text: string): string {
  const { protocol, hostname, username, search, hash } = URL.parse(text) ?? {}
  const isSafe =
    protocol === 'https:' ||
    (protocol === 'http:' && /^(127\.0\.0\.1|localhost|\[::1\])$/.test(hostname ?? ''))
  if (isSafe && `${username}${search}${hash}` === '') return text.replace(/\/+$/, '')
  throw new Trouble(`--endpoint: give the https:// address that the deployment printed as "Endpoint".`)
}
