import { times } from '../../../functions/times.ts'
import { CliError } from '../../local/cli-error.ts'
import { worldDynamoDbClient } from '../../local/dynamodb.ts'
import { localFolder } from '../../local/environment.ts'
import { readRunningWorld, type WorldFile } from '../../local/world-file.ts'
import { configurationOf } from '../reach.ts'
import type { Environment } from '../target.ts'
import { warnings } from './configuration.ts'
import { bad, type Finding, unknown } from './finding.ts'
import { issuerFindings } from './issuers.ts'
import { worldFindings } from './world.ts'

/** The local world that runs. */
export async function* localFindings(
  environment: Environment,
  token: string | undefined,
): AsyncGenerator<Finding[]> {
  let file: WorldFile
  try {
    file = await readRunningWorld(localFolder(environment))
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    yield [bad('local world', 'does not run', error.message)]
    return
  }
  const configuration = configurationOf(file)
  yield [...warnings('configuration', configuration), ...(await issuerFindings(configuration))]
  const apiKey = file.seam_api_key ?? environment.SEAM_API_KEY
  if (!apiKey)
    yield [unknown('Seam API key', 'not checked', 'set SEAM_API_KEY to the key that this world runs with')]
  const client = worldDynamoDbClient(file, times.admin / 6)
  yield* worldFindings({
    endpoint: file.api,
    origins: [file.page],
    client,
    tableName: file.table,
    ...(apiKey && { seam: { endpoint: file.seam, apiKey } }),
    // A real workspace cannot reach this machine: logins are seen when the page asks.
    hearsSeam: file.seam_control !== undefined,
    everyMinutes: configuration.cleanup.everyMinutes,
    token,
  })
  client.destroy()
}
