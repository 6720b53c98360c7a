import { apiKeyIn } from '../../../functions/api-key.ts'
import { keptFor } from '../../../functions/secrets.ts'
import { type Questions, questioner } from '../asking.ts'
import { type SecretStore, secretStore } from '../aws/secrets.ts'
import type { DeployedStack } from '../aws/stack.ts'
import { command } from '../command.ts'
import { Refused, UsageError } from '../errors.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { belongsTo, openedBy, workspaceNamed } from '../setup/api-key.ts'
import { rotateSealingKey } from '../setup/sealing-key.ts'
import { type SeamSettings, seamSettings } from '../setup/seam.ts'
import { registerWebhook } from '../setup/webhook.ts'
import type { Tool } from '../tool.ts'

/** What a stack needs once after its deployment, and again when a secret is rotated. */

interface Setting {
  tool: Tool
  stack: DeployedStack
  secrets: SecretStore
  say: (sentence: string) => Promise<void>
}

export const setup = command({
  group: 'start',
  about:
    'store the Seam API key, let Seam’s webhook reach the stack, switch off publishable-key access; may be run again',
  options: {
    'renew-webhook': { about: 'make Seam’s webhook anew; its last secret is accepted for now' },
    'rotate-sealing-key': { about: 'only rotate the key that seals tokens in the table; takes six minutes' },
    yes: { about: 'say yes to every question' },
  },
  examples: ['setup --stack token-vending-prod', 'setup --stage prod --rotate-sealing-key'],
  async run(tool, _, options) {
    if (tool.target.stack === undefined && tool.target.stage === undefined)
      throw new UsageError('Which stack? Give --stack NAME or --stage NAME; the local world needs no setup.')
    const stack = await tool.deployedStack()
    if (stack === undefined) throw new UsageError('Give --stack NAME or --stage NAME.')
    const secrets = secretStore(stack)
    const setting: Setting = {
      tool,
      stack,
      secrets,
      say: (sentence) => tool.show({ said: sentence }, () => sentence),
    }
    try {
      if (options['rotate-sealing-key']) return await rotate(setting)
      return await setUp(setting, options['renew-webhook'], options.yes)
    } finally {
      secrets.close()
    }
  },
})

/** Milliseconds; a function that read the secret just before it was written keeps it this long. */
const untilRead = keptFor + 60_000

async function rotate({ tool, secrets, say }: Setting): Promise<ExitCode> {
  await rotateSealingKey(secrets, async () => {
    await say(
      `Every function will know the new key in ${Math.ceil(untilRead / 60_000)} minutes. Wait for that.`,
    )
    await tool.sleep(untilRead)
  })
  await say('The sealing key was rotated. The old one still opens what it has sealed.')
  return exitCodes.done
}

async function setUp(setting: Setting, renewWebhook: boolean, yesToAll: boolean): Promise<ExitCode> {
  const { tool, stack, secrets, say } = setting
  const asked = questioner(tool.streams)
  const questions = yesToAll ? { ...asked, yes: async () => true } : asked
  try {
    const apiKey = await storeApiKey(setting, questions)
    const { SeamEndpoint: endpoint, Endpoint } = stack.outputs
    const seam = seamSettings({ endpoint, apiKey })
    await say(await registerWebhook({ seam, secrets }, `${Endpoint}/webhooks/seam`, renewWebhook))
    const isOn = async () => (await openedBy(apiKey, endpoint)).is_publishable_key_auth_enabled
    if (!(await closePublishableKey(say, questions, seam, isOn))) return exitCodes.refused
    await say(`Next: npm run doctor -- --stack ${stack.name}`)
    return exitCodes.done
  } finally {
    asked.close()
  }
}

/** Law 1: with it, whoever learns a `user_identifier_key` gets that user's client session token. False: left on. */
async function closePublishableKey(
  say: Setting['say'],
  questions: Questions,
  seam: SeamSettings,
  isOn: () => Promise<boolean | undefined>,
): Promise<boolean> {
  const found = await isOn()
  if (found === undefined)
    await say('Seam does not say whether publishable-key access is on: it must be off, see Seam’s console.')
  else if (!found) await say('Publishable-key access is off.')
  else if (
    await questions.yes(
      'Publishable-key access is on: browsers may ask Seam for client sessions past this service. Other apps of this workspace may use it. Switch it off?',
    )
  ) {
    await seam.updateWorkspace({ is_publishable_key_auth_enabled: false })
    if (await isOn())
      throw new Refused('Publishable-key access is still on: switch it off in Seam’s console.')
    await say('Publishable-key access was switched off.')
  } else {
    await say('Publishable-key access is still on; until it is off, the doctor says so.')
    return false
  }
  return true
}

/** Returns the key that is stored now, which opens a workspace. */
async function storeApiKey({ stack, secrets, say }: Setting, questions: Questions): Promise<string> {
  const stored = await secrets.read('SeamApiKeySecret')
  const keeping = stored === undefined ? '' : '; Enter keeps the stored one'
  const typed = await questions.secret(`Seam API key (nothing is shown${keeping}): `)
  const given = typed === '' ? stored : typed
  if (given === undefined)
    throw new UsageError('Give the Seam API key: without it there is nothing to set up.')

  // Without the line end that an editor may have left; another form is refused with the reason.
  const apiKey = apiKeyIn(given) ?? given
  const workspace = await openedBy(apiKey, stack.outputs.SeamEndpoint)
  const records = await belongsTo(stack, workspace)
  if (records === 'another')
    throw new Refused(
      `That key opens ${workspaceNamed(workspace)}, and the records of this stack belong to another workspace. Nothing was stored.`,
    )
  await say(`The key opens ${workspaceNamed(workspace)}.`)
  if (records === 'unknown')
    await say('Whether the records of this stack are of the same workspace could not be looked up.')
  if (apiKey === stored) return apiKey
  if (!(await questions.yes('Store it?'))) throw new Refused('Nothing was stored.')
  await secrets.write('SeamApiKeySecret', apiKey)
  await say('The key is stored; every function uses it within five minutes.')
  return apiKey
}
