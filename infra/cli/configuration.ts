import { existsSync, readFileSync } from 'node:fs'
import { type Configuration, ConfigurationError, readConfiguration } from '../../functions/config.ts'
import {
  chooseStage,
  parsedJson,
  propsOf,
  readStages,
  type Stage,
  stackNameOf,
  stagesFile,
} from '../stage.ts'
import { UsageError } from './errors.ts'
import type { Target } from './target.ts'

/** What would be deployed from that folder, with its defaults; `what` names where it stands. @throws UsageError */
export function deployable(
  folder: string,
  stage: string | undefined,
): { what: string; configuration: Configuration } {
  return asUsage(() => {
    const stages = readStages(folder)
    const chosen =
      stages === undefined && stage === undefined ? exampleIn(folder) : chooseStage(stages, stage)[1]
    const { configuration } = propsOf(chosen)
    return {
      what: placeOf(folder, stage),
      configuration: readConfiguration(configuration, { loopback: true }),
    }
  })
}

/** Undefined: the local world. @throws UsageError when there is no such stage */
export function stackOf(folder: string, { stack, stage }: Target): string | undefined {
  if (stack === '') throw new UsageError('--stack: give the name of a stack.')
  if (stack !== undefined || stage === undefined) return stack
  return stackNameOf(deployable(folder, stage).configuration.deployment)
}

/** The names in token-vending.json, or none when there is no such file. @throws UsageError */
export function stageNames(folder: string): string[] {
  return asUsage(() => Object.keys(readStages(folder) ?? {}))
}

function exampleIn(folder: string): Stage {
  const file = `${folder}/cdk.json`
  if (!existsSync(file))
    throw new ConfigurationError(
      `there is neither ${stagesFile} nor cdk.json here; run this in the project’s folder, or npm run init`,
    )
  const cdkJson = parsedJson(readFileSync(file, 'utf8')) as { context?: Stage } | undefined
  if (cdkJson === undefined) throw new ConfigurationError('cdk.json is not JSON; correct it')
  return cdkJson.context ?? { tokenVending: undefined }
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

/** What is wrong with a file of the user's, as any other usage error. */
export function asUsage<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof ConfigurationError ? new UsageError(error.message) : error
  }
}
