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

/** What `--stack` and `--stage` say. */
export interface Target {
  stack?: string | undefined
  stage?: string | undefined
}

/** What would be deployed from that folder, which has a file for it, with its defaults. @throws ConfigurationError */
export function deployable(folder: string, stage: string | undefined): Configuration {
  const stages = readStages(folder)
  const chosen = stages === undefined && stage === undefined ? exampleIn(folder) : chooseStage(stages, stage)
  return readConfiguration(propsOf(chosen).configuration, { loopback: true })
}

/** Undefined: the local world. @throws ConfigurationError when there is no such stage */
export function stackOf(folder: string, { stack, stage }: Target): string | undefined {
  if (stack !== undefined || stage === undefined) return stack
  return stackNameOf(deployable(folder, stage).deployment)
}

function exampleIn(folder: string): Stage {
  const cdkJson = parsedJson(readFileSync(`${folder}/cdk.json`, 'utf8')) as { context?: Stage } | undefined
  if (cdkJson === undefined) throw new ConfigurationError('cdk.json is not JSON; correct it')
  return cdkJson.context ?? { tokenVending: undefined }
}

/** Where a configuration stands, for a person; undefined: nowhere. */
export function placeOf(folder: string, stage: string | undefined): string | undefined {
  if (stage !== undefined) return `stage ${stage}`
  return [stagesFile, 'cdk.json'].find((file) => existsSync(`${folder}/${file}`))
}
