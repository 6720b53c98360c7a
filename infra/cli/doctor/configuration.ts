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
    const [said = '', todo = ''] = exampleIssuerFault(configuration)?.split('; ') ?? []
    if (said !== '') return { configuration, findings: [bad(what, said, todo)] }
    return { configuration, findings: [good(what, 'can be deployed'), ...warnings(what, configuration)] }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return { findings: [bad(placeOf(folder, stage), 'cannot be used', error.message.replaceAll('\n', '; '))] }
  }
}

/** Beside a local world, which has a configuration of its own, the example in cdk.json is no fault yet. */
export function localFileFindings(folder: string): Finding[] {
  let names: string[]
  try {
    names = stageNames(folder)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return [bad(placeOf(folder, undefined), 'cannot be used', error.message)]
  }
  if (names.length > 1) return names.flatMap((name) => deployableFindings(folder, name).findings)
  const { findings } = deployableFindings(folder, undefined)
  return findings.map((finding) =>
    finding.what === 'cdk.json' && finding.todo !== undefined
      ? look(finding.what, finding.said, `${finding.todo}; the local world has its own`)
      : finding,
  )
}

export function warnings(what: string, configuration: Configuration): Finding[] {
  return configurationWarnings(configuration).map((sentence) => {
    const [said = '', todo = ''] = sentence.split('; ')
    return look(what, said, todo)
  })
}
