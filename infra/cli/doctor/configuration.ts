import { type Configuration, configurationWarnings } from '../../../functions/config.ts'
import { exampleIssuerFault } from '../../stack/example-issuer.ts'
import { deployable, hasConfiguration, placeOf, stageNames } from '../configuration.ts'
import { UsageError } from '../errors.ts'
import { bad, type Finding, good, look, unknown } from './finding.ts'

interface ReadConfiguration {
  configuration?: Configuration
  findings: Finding[]
}

/** What would be deployed. */
export function deployableFindings(folder: string, stage: string | undefined): ReadConfiguration {
  if (stage === undefined && !hasConfiguration(folder))
    return {
      findings: [unknown('configuration', 'not checked', 'run this in the folder of token-vending.json')],
    }
  try {
    const { what, configuration } = deployable(folder, stage)
    const fault = exampleIssuerFault(configuration)
    const findings =
      fault === undefined
        ? [good(what, 'can be deployed'), ...warnings(what, configuration)]
        : [bad(what, ...halves(fault))]
    return { configuration, findings }
  } catch (error) {
    return { findings: [unusable(folder, stage, error)] }
  }
}

/** Beside a local world, which has a configuration of its own, the example in cdk.json is no fault yet. */
export function localFileFindings(folder: string): Finding[] {
  try {
    const names = stageNames(folder)
    if (names.length > 1) return names.flatMap((name) => deployableFindings(folder, name).findings)
  } catch (error) {
    return [unusable(folder, undefined, error)]
  }
  const { findings } = deployableFindings(folder, undefined)
  return findings.map((finding) =>
    finding.what === 'cdk.json' && finding.todo !== undefined
      ? look(finding.what, finding.said, `${finding.todo}; the local world has its own`)
      : finding,
  )
}

export function warnings(what: string, configuration: Configuration): Finding[] {
  return configurationWarnings(configuration).map((sentence) => look(what, ...halves(sentence)))
}

/** What is said, and what to do about it. */
function halves(sentence: string): [said: string, todo: string] {
  const [said = '', todo = ''] = sentence.split('; ')
  return [said, todo]
}

function unusable(folder: string, stage: string | undefined, error: unknown): Finding {
  if (!(error instanceof UsageError)) throw error
  return bad(placeOf(folder, stage), 'cannot be used', error.message.replaceAll('\n', '; '))
}
