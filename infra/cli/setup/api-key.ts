import { deadlineIn } from '../../../functions/http/deadline.ts'
import { Problem } from '../../../functions/http/problem.ts'
import { apiKeyForm, apiKeyIn } from '../../../functions/seam/api-key.ts'
import { seamClient, type Workspace } from '../../../functions/seam/client.ts'
import { SeamFailure } from '../../../functions/seam/failure.ts'
import { vendingTable } from '../../../functions/table/table.ts'
import { times } from '../../../functions/times.ts'
import { CliError } from '../../local/cli-error.ts'
import type { DeployedStack } from '../aws/stack.ts'
import { Refused } from '../errors.ts'
import type { SeamAccess } from './seam.ts'

/** The workspace that a key opens. @throws CliError */
export async function openedBy({ endpoint, apiKey }: SeamAccess): Promise<Workspace> {
  const other = /^seam_(cst|pk)/.exec(apiKey)?.[1]
  if (other !== undefined)
    throw new Refused(
      `That is a ${other === 'cst' ? 'client session token' : 'publishable key'}. Give an API key of the workspace.`,
    )
  // What no header can carry cannot be a key, and would be shown by an error about it.
  if (apiKeyIn(apiKey) === undefined)
    throw new Refused(`That is not an API key: ${apiKeyForm}. Nothing was stored.`)
  try {
    return await seamClient({ endpoint, apiKey: async () => apiKey, times }).getWorkspace(
      deadlineIn(5 * times.seam, Date.now),
    )
  } catch (error) {
    if (!(error instanceof SeamFailure)) throw error
    if (error.httpStatus === 401 || error.httpStatus === 403)
      throw new Refused('Seam does not accept that API key. Nothing was stored.')
    throw new CliError(
      `${endpoint} could not be asked which workspace it opens (${error.message}). Run it again.`,
    )
  }
}

/**
 * Whether the key opens the workspace of the records that are there already: with another one cleaning up would
 * stop, and every user be left without a client session. `unknown`: these credentials may not look.
 */
export async function belongsTo(
  { outputs, aws }: DeployedStack,
  { workspace_id }: Workspace,
): Promise<'theirs' | 'another' | 'unknown'> {
  const { DynamoDB } = await import('@aws-sdk/client-dynamodb')
  const client = new DynamoDB(aws)
  try {
    const settings = await vendingTable({ client, tableName: outputs.Table }).readSettings()
    return settings === undefined || settings.workspace_id === workspace_id ? 'theirs' : 'another'
  } catch (error) {
    if (error instanceof Problem) return 'unknown'
    throw error
  } finally {
    client.destroy()
  }
}

export function workspaceNamed({ name, workspace_id, is_sandbox }: Workspace): string {
  return `${name ?? workspace_id} (${is_sandbox ? 'a sandbox workspace' : 'a production workspace'})`
}
