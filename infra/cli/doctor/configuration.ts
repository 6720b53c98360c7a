import { type Configuration, ConfigurationError, configurationWarnings } from '../../../functions/config.ts'
import { exampleIssuerFault } from '../../stack/example-issuer.ts'
import { readStages, stagesFile } from '../../stage.ts'
import { deployable, placeOf } from '../configuration.ts'
import { bad, type Finding, good, look, unknown } from './finding.ts'

/** What would be deployed. */
export function deployableFindings(folder: string, stage: string | undefined) {
  const what = placeOf(folder, stage)
  if (what === undefined)
    return {
      findings: [unknown('configuration', 'not checked', 'run this in the folder of token-vending.json')],
    }
  try {
    const configuration = deployable(folder, stage)
    const fault = exampleIssuerFault(configuration)
    if (fault !== undefined) return { configuration, findings: [bad(what, ...halves(fault))] }
    return { configuration, findings: [good(what, 'can be deployed'), ...warnings(what, configuration)] }
  } catch (error) {
    return { findings: [unusable(what, error)] }
  }
}

/** Of each stage in token-vending.json, if there is one: the local world has a configuration of its own. */
export function stageFindings(folder: string): Finding[] {
  try {
    const stages = Object.keys(readStages(folder) ?? {})
    return stages.flatMap((stage) => deployableFindings(folder, stage).findings)
  } catch (error) {
    return [unusable(stagesFile, error)]
  }
}

function unusable(what: string, error: unknown): Finding {
  if (!(error instanceof ConfigurationError)) throw error
  return bad(what, 'cannot be used', error.message.replaceAll('\n', '; '))
}

export function warnings(what: string, configuration: Configuration): Finding[] {
  return configurationWarnings(configuration).map((sentence) => look(what, ...halves(sentence)))
}

/** What is said, and what to do about it. */
function halves(sentence: string): [said: string, todo: string] {
  const [said = '', todo = ''] = sentence.split('; ')
  return [said, todo]
}
