import { keptFor } from '../../../functions/aws/secrets.ts'
import { apiKeyIn } from '../../../functions/seam/api-key.ts'
import { Questions } from '../asking.ts'
import { type Secrets, secretsOf } from '../aws/secrets.ts'
import type { DeployedStack } from '../aws/stack.ts'
import { command } from '../command.ts'
import { Refused, UsageError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { belongsTo, openedBy, workspaceNamed } from '../setup/api-key.ts'
import { rotateSealingKey } from '../setup/sealing-key.ts'
import { callSeam, type SeamAccess } from '../setup/seam.ts'
import { registerWebhook } from '../setup/webhook.ts'
import type { Tool } from '../tool.ts'

/** What a stack needs once after its deployment, and again when a secret is rotated. */

type Yes = (question: string) => Promise<boolean>
type Say = (sentence: string) => Promise<void>

export const setup = command({
  group: 'start',
  about:
    'store the Seam API key, let Seam’s webhook reach the stack, switch off publishable-key access; may be run again',
  options: {
    'renew-webhook': { about: 'replace Seam’s webhook; its last secret is accepted for now' },
    'rotate-sealing-key': { about: 'only rotate the key that seals tokens in the table; takes six minutes' },
    yes: { about: 'say yes to every question' },
  },
  examples: ['setup --stack token-vending-prod', 'setup --stage prod --rotate-sealing-key'],
  async run(tool, _, options) {
    const { stack: name, stage } = tool.target
    const stack = name === undefined && stage === undefined ? undefined : await tool.deployedStack()
    if (stack === undefined)
      throw new UsageError('Which stack? Give --stack NAME or --stage NAME; the local world needs no setup.')
    const say: Say = (sentence) => tool.show({ said: sentence }, () => sentence)
    if (options['rotate-sealing-key']) return rotate(tool, secretsOf(stack), say)
    const questions = new Questions(tool.streams)
    const yes: Yes = async (question) => options.yes || questions.yes(question)
    try {
      const { SeamEndpoint: endpoint, Endpoint } = stack.outputs
      const seam = { endpoint, apiKey: await storeApiKey(stack, questions, yes, say) }
      const url = `${Endpoint}/webhooks/seam`
      await say(await registerWebhook(seam, secretsOf(stack), url, options['renew-webhook']))
      if (!(await closePublishableKey(seam, yes, say))) return exitCodes.refused
      await say(`Next: npm run doctor -- --stack ${stack.name}`)
      return exitCodes.done
    } finally {
      questions.close()
    }
  },
})

/** Milliseconds; a function that read the secret just before it was written keeps it this long. */
const untilRead = keptFor + 60_000

async function rotate(tool: Tool, secrets: Secrets, say: Say): Promise<ExitCode> {
  await rotateSealingKey(secrets, async () => {
    await say(
      `Every function will know the new key in ${Math.ceil(untilRead / 60_000)} minutes. Wait for that.`,
    )
    await tool.sleep(untilRead)
  })
  await say('The sealing key was rotated. The old one still opens what it has sealed.')
  return exitCodes.done
}

/** Law 1: with it, whoever learns a `user_identifier_key` gets that user's client session token. False: left on. */
async function closePublishableKey(seam: SeamAccess, yes: Yes, say: Say): Promise<boolean> {
  const isOn = async () => (await openedBy(seam)).is_publishable_key_auth_enabled
  const found = await isOn()
  if (found === undefined)
    await say('Seam does not say whether publishable-key access is on: it must be off, see Seam’s console.')
  if (found === false) await say('Publishable-key access is off.')
  if (!found) return true
  const isWanted = await yes(
    'Publishable-key access is on: browsers may ask Seam for client sessions past this service. Other apps of this workspace may use it. Switch it off?',
  )
  if (!isWanted) {
    await say('Publishable-key access is still on; until it is off, the doctor says so.')
    return false
  }
  await callSeam(seam, 'workspaces/update', { is_publishable_key_auth_enabled: false })
  if (await isOn()) throw new Refused('Publishable-key access is still on: switch it off in Seam’s console.')
  await say('Publishable-key access was switched off.')
  return true
}

/** Returns the key that is stored now, which opens a workspace. */
async function storeApiKey(stack: DeployedStack, questions: Questions, yes: Yes, say: Say): Promise<string> {
  const secrets = secretsOf(stack)
  const stored = await secrets.read('SeamApiKeySecret')
  const keeping = stored === undefined ? '' : '; Enter keeps the stored one'
  const given = (await questions.text(`Seam API key (nothing is shown${keeping}): `, true)) || stored
  if (given === undefined)
    throw new UsageError('Give the Seam API key: without it there is nothing to set up.')

  // Without the line end that an editor may have left; another form is refused with the reason.
  const apiKey = apiKeyIn(given) ?? given
  const workspace = await openedBy({ endpoint: stack.outputs.SeamEndpoint, apiKey })
  const records = await belongsTo(stack, workspace)
  if (records === 'another')
    throw new Refused(
      `That key opens ${workspaceNamed(workspace)}, and the records of this stack belong to another workspace. Nothing was stored.`,
    )
  await say(`The key opens ${workspaceNamed(workspace)}.`)
  if (records === 'unknown')
    await say('Whether the records of this stack are of the same workspace could not be looked up.')
  if (apiKey === stored) return apiKey
  if (!(await yes('Store it?'))) throw new Refused('Nothing was stored.')
  await secrets.write('SeamApiKeySecret', apiKey)
  await say('The key is stored; every function uses it within five minutes.')
  return apiKey
}
