import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Configuration, ConfigurationError, readConfiguration } from '../../functions/config.ts'
import { isSafeAddress, originFault } from '../../functions/http/addresses.ts'
import { apiKeyForm, apiKeyIn } from '../../functions/seam/api-key.ts'
import { chooseStage, parsedJson, readStages } from '../stage.ts'
import { CliError, codeOf } from './cli-error.ts'
import type { WorldOptions } from './world.ts'

/** Close together and seldom used by other programs; people type the page's and the API's. */
const usualPorts = { identity_provider: 4801, seam: 4802, page: 4803 }
const usualPort = 4800

type Environment = Partial<
  Record<'LOCAL_DIR' | 'PORT' | 'ORIGIN' | 'TOKEN_VENDING' | 'SEAM_ENDPOINT' | 'SEAM_API_KEY', string>
>

/** The folder of the local world, for every command that talks to it. */
export function localFolder({ LOCAL_DIR }: Environment): string {
  return resolve(LOCAL_DIR || '.local')
}

/**
 * What `npm start` is told by its environment, where an empty variable counts as none, and by its words: `--own` or
 * `--stage NAME` takes the configuration of token-vending.json in `project`, `--reset` begins anew.
 * @throws CliError
 */
export function readEnvironment(
  environment: Environment,
  words: string[] = [],
  project = process.cwd(),
): WorldOptions {
  const { PORT, ORIGIN, TOKEN_VENDING, SEAM_ENDPOINT, SEAM_API_KEY } = environment
  const { reset, ...own } = optionsOf(words)
  const configuration = configurationOf(TOKEN_VENDING, own, project)
  return {
    folder: localFolder(environment),
    port: PORT ? portOf(PORT) : usualPort,
    usualPorts,
    ...(reset && { reset }),
    ...(ORIGIN && { origin: originOf(ORIGIN) }),
    ...(configuration && { configuration }),
    // The key may be set for another program, and must not open a real workspace by surprise: both are needed.
    ...(SEAM_ENDPOINT && { seam: { url: addressOf(SEAM_ENDPOINT), apiKey: keyOf(SEAM_API_KEY) } }),
  }
}

function optionsOf(words: string[]): { own?: boolean; stage?: string; reset?: boolean } {
  const options = { own: { type: 'boolean' }, stage: { type: 'string' }, reset: { type: 'boolean' } } as const
  try {
    return parseArgs({ args: words, options }).values
  } catch (error) {
    if (!codeOf(error).startsWith('ERR_PARSE_ARGS')) throw error
    return refuse('npm start takes --own, --stage NAME, and --reset, after "--": npm start -- --reset')
  }
}

function refuse(sentence: string): never {
  throw new CliError(sentence)
}

function configurationOf(
  text: string | undefined,
  { own, stage }: { own?: boolean; stage?: string },
  project: string,
): Configuration | undefined {
  if (!text && !own && stage === undefined) return undefined
  try {
    const input = text ? parsedJson(text) : chooseStage(readStages(project), stage).tokenVending
    if (input === undefined)
      refuse(
        'TOKEN_VENDING is not JSON. Give the configuration itself, not the name of its file: TOKEN_VENDING="$(cat own.json)".',
      )
    return readConfiguration(input, { loopback: true })
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    return refuse(`${text ? 'TOKEN_VENDING cannot be used:\n' : ''}${error.message}`)
  }
}

function portOf(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  return refuse(`PORT is ${JSON.stringify(text)}; give a number from 0 (any free port) to 65535.`)
}

function originOf(text: string): string {
  const fault = originFault(text)
  if (fault === undefined) return text
  return refuse(
    `ORIGIN is ${JSON.stringify(text)}; give that of your page, such as http://localhost:5173, without a slash at the end: ${fault}.`,
  )
}

const addressOf = (text: string): string =>
  safeAddress(text) ??
  refuse('SEAM_ENDPOINT cannot be used: give an https:// address such as https://connect.getseam.com.')

/** Where a secret may be sent: over https, or on this machine. Without its last slash; undefined if it is neither. */
export function safeAddress(text: string): string | undefined {
  return isSafeAddress(text) ? text.replace(/\/+$/, '') : undefined
}

function keyOf(key: string | undefined): string {
  if (!key) return refuse('SEAM_ENDPOINT is set, SEAM_API_KEY is not: a real workspace needs both.')
  return apiKeyIn(key) ?? refuse(`SEAM_API_KEY cannot be used: ${apiKeyForm}.`)
}
