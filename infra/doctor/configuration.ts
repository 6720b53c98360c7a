import { type Configuration, configurationWarnings } from '../../functions/config.ts'
import { cdkConfiguration } from '../admin/offline.ts'
import { exampleIssuerFault } from '../example-issuer.ts'
import { Trouble } from '../local/trouble.ts'
import { bad, type Finding, good, look } from './finding.ts'

export interface ReadConfiguration {
  configuration?: Configuration
  findings: Finding[]
}

/** What would be deployed. In the local world, which has a configuration of its own, the example in it is no fault yet. */
export async function deployableConfiguration(
  stage: string | undefined,
  isLocal: boolean,
): Promise<ReadConfiguration> {
  const what = stage === undefined ? 'cdk.json' : `stage ${stage}`
  try {
    const configuration = await cdkConfiguration(stage)
    const example = exampleIssuerFault(configuration)
    if (example === undefined)
      return { configuration, findings: [good(what, 'can be deployed'), ...warnings(what, configuration)] }
    const [said = '', todo = ''] = example.split('; ')
    return {
      configuration,
      findings: [isLocal ? look(what, said, `${todo}; the local world has its own`) : bad(what, said, todo)],
    }
  } catch (error) {
    if (!(error instanceof Trouble)) throw error
    return { findings: [bad(what, 'cannot be used', error.message.replaceAll('\n', '; '))] }
  }
}

export function warnings(what: string, configuration: Configuration): Finding[] {
  return configurationWarnings(configuration).map((sentence) => {
    const [said = '', todo = ''] = sentence.split('; ')
    return look(what, said, todo)
  })
}
