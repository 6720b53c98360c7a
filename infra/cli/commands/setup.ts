import { randomBytes } from 'node:crypto'
import { keptFor } from '../../../functions/aws/secrets.ts'
import { Problem } from '../../../functions/http/problem.ts'
import { sealingKeysFrom } from '../../../functions/session/seal.ts'
import { vendingTable } from '../../../functions/table/table.ts'
import { type Ask, asking } from '../asking.ts'
import { type DeployedStack, readSecret, writeSecret } from '../aws/stack.ts'
import { command } from '../command.ts'
import { type ExitCode, exitCodes, Refused, UsageError } from '../errors.ts'
import { callSeam, openWorkspace, registerWebhook, type SeamAccess } from '../setup/seam.ts'
import type { Tool } from '../tool.ts'

/** What a stack needs once after its deployment, and again when a secret is rotated. */

type Yes = (question: string) => Promise<boolean>
type Say = (sentence: string) => Promise<ExitCode>

export const setup = command({
  about:
    'store the Seam API key, point Seam’s webhook at the stack, switch off publishable-key access; may be run again',
  options: {
    'renew-webhook': { about: 'replace Seam’s webhook; its old secret is still accepted for now' },
    'rotate-sealing-key': { about: 'only rotate the key that seals tokens in the table; takes six minutes' },
    yes: { about: 'answer every question with yes' },
  },
  examples: ['setup --stack token-vending-prod', 'setup --stage prod --rotate-sealing-key'],
  async run(tool, _, options) {
    const stack = await tool.deployedStack()
    if (stack === undefined)
      throw new UsageError('Which stack? Give --stack NAME or --stage NAME; the local world needs no setup.')
    const say: Say = (sentence) => tool.show({ said: sentence }, () => sentence)
    if (options.rotateSealingKey) return rotateSealingKey(tool, stack, say)
    return asking(tool.streams, async (ask) => {
      const yes: Yes = async (question) => options.yes || isYes(ask, question)
      const apiKey = await storeApiKey(stack, ask, yes, say)
      const seam = { endpoint: stack.outputs.SeamEndpoint, apiKey }
      await say(await registerWebhook(seam, stack, options.renewWebhook === true))
      if (!(await closePublishableKey(seam, yes, say))) return exitCodes.refused
      return say(`Next: \`doctor --stack ${stack.name}\``)
    })
  },
})

/** Yes is what Enter means. */
async function isYes(ask: Ask, question: string): Promise<boolean> {
  const answer = await ask(`${question} [Y/n] `)
  if (/^(y|yes|)$/i.test(answer)) return true
  return /^(n|no)$/i.test(answer) ? false : isYes(ask, question)
}

/** Milliseconds; a function that read the secret just before it was written keeps it this long. */
const untilRead = keptFor + 60_000

/**
 * Replaces the key that seals client session tokens in the table. In two steps, with the time between in which every
 * function has read the secret again: first the new key is one that opens, then it is the one that seals. So at no
 * moment is a token sealed with a key that another function does not have. Cut short in between, it has done no harm.
 */
async function rotateSealingKey({ deps }: Tool, stack: DeployedStack, say: Say): Promise<ExitCode> {
  const old = currentKey(await readSecret(stack, 'SealingKeySecret'))
  const fresh = randomBytes(48).toString('base64url')
  const write = (keys: object) => writeSecret(stack, 'SealingKeySecret', JSON.stringify(keys))
  await write({ current: old, previous: fresh })
  await say(`Waiting ${Math.ceil(untilRead / 60_000)} minutes, until every function has read the new key.`)
  await deps.sleep(untilRead)
  await write({ current: fresh, previous: old })
  return say('The sealing key was rotated. The old one still opens what it has sealed.')
}

function currentKey(secret = ''): string {
  try {
    sealingKeysFrom(secret)
    return JSON.parse(secret).current
  } catch {
    throw new Refused(
      'The stored sealing key is not valid: the stack creates it as {"current": "…"}. Nothing was changed.',
    )
  }
}

/** Law 1: with it, whoever learns a `user_identifier_key` gets that user's client session token. False: left on. */
async function closePublishableKey(seam: SeamAccess, yes: Yes, say: Say): Promise<boolean> {
  const isOn = async () => (await openWorkspace(seam)).workspace.is_publishable_key_auth_enabled
  const found = await isOn()
  const unsure = 'Seam does not say whether publishable-key access is on, which it must not: see its console.'
  if (!found) await say(found === false ? 'Publishable-key access is off.' : unsure)
  if (!found) return true
  const isWanted = await yes(
    'Publishable-key access is on: browsers can get client sessions from Seam without this service. Other apps of this workspace may use it. Switch it off?',
  )
  if (!isWanted) {
    await say('Publishable-key access is still on; the doctor reports it until it is off.')
    return false
  }
  await callSeam(seam, 'workspaces/update', { is_publishable_key_auth_enabled: false })
  if (await isOn()) throw new Refused('Publishable-key access is still on: switch it off in Seam’s console.')
  await say('Publishable-key access was switched off.')
  return true
}

/** Returns the key that is stored now, which opens a workspace. */
async function storeApiKey(stack: DeployedStack, ask: Ask, yes: Yes, say: Say): Promise<string> {
  const stored = await readSecret(stack, 'SeamApiKeySecret')
  const keeping = stored === undefined ? '' : '; Enter keeps the stored one'
  const given = (await ask(`Seam API key (nothing is shown${keeping}): `, true)) || stored
  if (given === undefined)
    throw new UsageError('Give the Seam API key: without it there is nothing to set up.')

  const { apiKey, workspace } = await openWorkspace({ endpoint: stack.outputs.SeamEndpoint, apiKey: given })
  const { name = workspace.workspace_id, is_sandbox } = workspace
  const opened = `${name} (a ${is_sandbox ? 'sandbox' : 'production'} workspace)`
  const records = await workspaceOfRecords(stack)
  if (records !== 'unknown' && records !== 'none' && records !== workspace.workspace_id)
    throw new Refused(
      `That key opens ${opened}, and the records of this stack belong to another workspace. Nothing was stored.`,
    )
  await say(`The key opens ${opened}.`)
  if (records === 'unknown')
    await say('Could not look up whether the records of this stack are of the same workspace.')
  if (apiKey === stored) return apiKey
  if (!(await yes('Store it?'))) throw new Refused('Nothing was stored.')
  await writeSecret(stack, 'SeamApiKeySecret', apiKey)
  await say('The key is stored; every function uses it within five minutes.')
  return apiKey
}

/**
 * The workspace of the records that are there already: with a key to another one, cleanup would stop, and every user be
 * left without a client session. `unknown`: these credentials may not look.
 */
async function workspaceOfRecords({ outputs, aws }: DeployedStack): Promise<string> {
  const { DynamoDB } = await import('@aws-sdk/client-dynamodb')
  const client = new DynamoDB(aws)
  try {
    return (await vendingTable({ client, tableName: outputs.Table }).readSettings())?.workspace_id ?? 'none'
  } catch (error) {
    if (error instanceof Problem) return 'unknown'
    throw error
  } finally {
    client.destroy()
  }
}
