import { type Configuration, ConfigurationError, configurationWarnings } from '../../../functions/config.ts'
import { exampleIssuerFault } from '../../stack/example-issuer.ts'
import { readStages } from '../../stage.ts'
import { deployable, placeOf } from '../configuration.ts'
import { bad, type Finding, good, look, unknown } from './finding.ts'

/** What would be deployed. */
export function deployableFindings(
  folder: string,
  stage: string | undefined,
): { configuration?: Configuration; findings: Finding[] } {
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
    if (!(error instanceof ConfigurationError)) throw error
    return { findings: [bad(what, 'cannot be used', error.message.replaceAll('\n', '; '))] }
  }
}

/** Beside a local world, which has a configuration of its own, the example in cdk.json is no fault yet. */
export function localFileFindings(folder: string): Finding[] {
  return stagesIn(folder)
    .flatMap((stage) => deployableFindings(folder, stage).findings)
    .map((finding) =>
      finding.what === 'cdk.json' && finding.todo !== undefined
        ? look(finding.what, finding.said, `${finding.todo}; the local world has its own`)
        : finding,
    )
}

/** Undefined: the only one. A file that cannot be used has its own finding. */
function stagesIn(folder: string): (string | undefined)[] {
  try {
    const names = Object.keys(readStages(folder) ?? {})
    return names.length > 1 ? names : [undefined]
  } catch {
    return [undefined]
  }
}

export function warnings(what: string, configuration: Configuration): Finding[] {
  return configurationWarnings(configuration).map((sentence) => look(what, ...halves(sentence)))
}

/** What is said, and what to do about it. */
function halves(sentence: string): [said: string, todo: string] {
  const [said = '', todo = ''] = sentence.split('; ')
  return [said, todo]
}
