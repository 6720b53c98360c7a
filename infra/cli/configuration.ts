import { existsSync, readFileSync } from 'node:fs'
import { explainToken } from '../../functions/admin/explaining.ts'
import type { Explanation } from '../../functions/admin-client.ts'
import { callerVerifier } from '../../functions/caller/caller.ts'
import { keyFinder } from '../../functions/caller/keys.ts'
import { type Configuration, ConfigurationError, readConfiguration } from '../../functions/config.ts'
import { deadlineIn } from '../../functions/deadline.ts'
import { termsOf } from '../../functions/session/terms.ts'
import { times } from '../../functions/times.ts'
import { chooseStage, parsedJson, propsOf, readStages, type Stage, stagesFile } from '../stage.ts'
import { UsageError } from './errors.ts'

/** What would be deployed from that folder, with its defaults; `what` names where it stands. @throws UsageError */
export function deployable(
  folder: string,
  stage: string | undefined,
): { what: string; configuration: Configuration } {
  return asUsage(() => {
    const [what, chosen] = settingsIn(folder, stage)
    return { what, configuration: readConfiguration(propsOf(chosen).configuration, { loopback: true }) }
  })
}

/** The names in token-vending.json, or none when there is no such file. @throws UsageError */
export function stageNames(folder: string): string[] {
  return asUsage(() => Object.keys(readStages(folder) ?? {}))
}

function settingsIn(folder: string, stage: string | undefined): [what: string, stage: Stage] {
  const stages = readStages(folder)
  if (stages !== undefined || stage !== undefined) {
    const [, chosen] = chooseStage(stages, stage)
    return [placeOf(folder, stage), chosen]
  }
  const cdkJson = parsedJson(textOf(`${folder}/cdk.json`)) as { context?: Stage } | undefined
  if (cdkJson === undefined) throw new ConfigurationError('cdk.json is not JSON; correct it')
  return [placeOf(folder, undefined), cdkJson.context ?? { tokenVending: undefined }]
}

/** Where a configuration stands, for a person. */
export function placeOf(folder: string, stage: string | undefined): string {
  if (stage !== undefined) return `stage ${stage}`
  return existsSync(`${folder}/${stagesFile}`) ? stagesFile : 'cdk.json'
}

/** Whether either file is there. */
export function hasConfiguration(folder: string): boolean {
  return [stagesFile, 'cdk.json'].some((file) => existsSync(`${folder}/${file}`))
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new ConfigurationError(
      `there is neither ${stagesFile} nor cdk.json here; run this in the project’s folder, or npm run init`,
    )
  }
}

function asUsage<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof ConfigurationError ? new UsageError(error.message) : error
  }
}

/** Explains a bearer token from the configuration alone: it needs no world, and looks up no record. @throws Trouble */
export async function explainOffline(
  folder: string,
  stage: string | undefined,
  token: string,
): Promise<Explanation> {
  const { configuration } = deployable(folder, stage)
  const store = { readKeySet: async () => undefined, writeKeySet: async () => {} }
  const clock = Date.now
  const findKeys = keyFinder({ store, fetch, clock, times, loopback: true })
  return explainToken(
    {
      verifyCaller: callerVerifier({ issuers: configuration.issuers, findKeys, clock }),
      configuration,
      terms: termsOf(configuration, times),
      clock,
      deadline: deadlineIn(times.vend, clock),
    },
    { token },
  )
}
