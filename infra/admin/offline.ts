import { readFile } from 'node:fs/promises'
import { explainToken } from '../../functions/admin/explaining.ts'
import type { Explanation } from '../../functions/admin-client.ts'
import { callerVerifier } from '../../functions/caller/caller.ts'
import { keyFinder } from '../../functions/caller/keys.ts'
import { ConfigurationError, readConfiguration } from '../../functions/config.ts'
import { deadlineIn } from '../../functions/deadline.ts'
import { times } from '../../functions/times.ts'
import { termsOf } from '../../functions/verdict.ts'
import { Trouble } from '../local/trouble.ts'
import { propsFromContext } from '../stage.ts'

/**
 * Explains a bearer token by cdk.json alone (or a stage of it): no stack and no local world is needed, and no record
 * is looked up. @throws Trouble
 */
export async function explainOffline(token: string, stage: string | undefined): Promise<Explanation> {
  const configuration = await cdkConfiguration(stage)
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

/** What cdk.json (or a stage of it) says, with its defaults. @throws Trouble */
export async function cdkConfiguration(stage: string | undefined) {
  try {
    const { context = {} } = JSON.parse(await readFile('cdk.json', 'utf8'))
    const props = propsFromContext((name) => (name === 'stage' ? (stage ?? context.stage) : context[name]))
    return readConfiguration(props.configuration, { loopback: true })
  } catch (error) {
    if (error instanceof ConfigurationError) throw new Trouble(error.message)
    if (error instanceof SyntaxError) throw new Trouble(`cdk.json is not JSON: ${error.message}.`)
    throw new Trouble('cdk.json cannot be read here. Run this in the project’s folder.')
  }
}
