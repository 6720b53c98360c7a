import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { apiKeyIn } from '../../functions/api-key.ts'
import { keptFor } from '../../functions/secrets.ts'
import { type ExitCode, exitCodeOfTrouble, exitCodes, Misuse } from '../admin/exit-codes.ts'
import { type Streams, writeTo } from '../admin/tool.ts'
import { type SecretStore, secretStore } from '../deployed/secret-store.ts'
import { type AwsEnvironment, type DeployedStack, findStack } from '../deployed/stack.ts'
import { NotAccepted } from '../deployed/trouble.ts'
import { codeOf, Trouble } from '../local/trouble.ts'
import { belongsTo, openedBy, workspaceNamed } from './api-key.ts'
import { type Questions, questioner } from './asking.ts'
import { rotateSealingKey } from './sealing-key.ts'
import { seamSettings } from './seam.ts'
import { registerWebhook } from './webhook.ts'

const usage = `npm run setup -- --stack NAME [options]

Stores the Seam API key, lets Seam's webhook tell the stack what happens there, and offers to switch off
publishable-key access. The key is asked for, or comes on standard input; it never stands in an argument.
It may be run again at any time: to put in another key, or to finish what was cut short.

  --renew-webhook        makes Seam's webhook anew, with another secret; the one before is believed for now
  --rotate-sealing-key   makes the key anew that seals tokens in the table, and does nothing else. It takes six
                         minutes, in which every function reads the secret anew (they do so within five); nobody
                         notices. Client sessions sealed with the key before the old one are replaced when
                         their users ask next.
  --yes                  says yes to every question

Ends with 2 when it was not understood, with 4 when something was refused or declined, with 6 when something
is unavailable.`

/** Milliseconds; a function that read the secret just before it was written keeps it so long. */
const untilRead = keptFor + 60_000

/** `npm run setup`, but for the process around it. `wait`: milliseconds until every function has read a secret anew. */
export async function runSetup(
  words: string[],
  environment: AwsEnvironment,
  streams: Streams,
  wait = untilRead,
): Promise<ExitCode> {
  const say = (sentence: string) => writeTo(streams.stdout, `${sentence}\n`)
  try {
    const options = readOptions(words)
    if (options.help) {
      await say(usage)
      return exitCodes.done
    }
    if (options.stack === undefined) throw new Misuse(`Which stack? Give --stack NAME.\n\n${usage}`)
    const stack = await findStack(options.stack, environment)
    const secrets = secretStore(stack)
    try {
      if (!options['rotate-sealing-key'])
        return await setUp({ stack, secrets, say, streams }, options['renew-webhook'], options.yes)
      await rotateSealingKey(secrets, async () => {
        await say(
          `Every function will know the new key in ${Math.ceil(wait / 60_000)} minutes. Wait for that.`,
        )
        await sleep(wait)
      })
      await say('The sealing key was rotated. The old one still opens what it has sealed.')
      return exitCodes.done
    } finally {
      secrets.close()
    }
  } catch (error) {
    if (!(error instanceof Trouble)) throw error
    await writeTo(streams.stderr, `${error.message}\n`)
    return exitCodeOfTrouble(error)
  }
}

interface Setting {
  stack: DeployedStack
  secrets: SecretStore
  say: (sentence: string) => Promise<void>
  streams: Streams
}

async function setUp(setting: Setting, renewWebhook: boolean, yesToAll: boolean): Promise<ExitCode> {
  const { stack, secrets, say, streams } = setting
  const asked = questioner(streams)
  const questions = yesToAll ? { ...asked, yes: async () => true } : asked
  try {
    const apiKey = await storeApiKey(setting, questions)
    const { SeamEndpoint: endpoint, Endpoint } = stack.outputs
    const seam = seamSettings({ endpoint, apiKey })
    await say(await registerWebhook({ seam, secrets }, `${Endpoint}/webhooks/seam`, renewWebhook))
    return await closePublishableKey()

    /** Law 1: with it, whoever learns a `user_identifier_key` gets that user's client session token. */
    async function closePublishableKey(): Promise<ExitCode> {
      const isOn = async () => (await openedBy(apiKey, endpoint)).is_publishable_key_auth_enabled
      const found = await isOn()
      if (found === undefined)
        await say(
          'Seam does not say whether publishable-key access is on: it must be off, see Seam’s console.',
        )
      else if (!found) await say('Publishable-key access is off.')
      else if (
        await questions.yes(
          'Publishable-key access is on: browsers may ask Seam for client sessions past this service. Other apps of this workspace may use it. Switch it off?',
        )
      ) {
        await seam.updateWorkspace({ is_publishable_key_auth_enabled: false })
        if (await isOn())
          throw new NotAccepted('Publishable-key access is still on: switch it off in Seam’s console.')
        await say('Publishable-key access was switched off.')
      } else {
        await say('Publishable-key access is still on; until it is off, the doctor says so.')
        return exitCodes.refused
      }
      await say(`Next: npm run doctor -- --stack ${stack.name}`)
      return exitCodes.done
    }
  } finally {
    asked.close()
  }
}

/** Returns the key that is stored now, which opens a workspace. */
async function storeApiKey({ stack, secrets, say }: Setting, questions: Questions): Promise<string> {
  const stored = await secrets.read('SeamApiKeySecret')
  const keeping = stored === undefined ? '' : '; Enter keeps the stored one'
  const typed = await questions.secret(`Seam API key (nothing is shown${keeping}): `)
  const given = typed === '' ? stored : typed
  if (given === undefined) throw new Misuse('Without an API key there is nothing to set up.')
  // Without the line end that an editor may have left: what is of another form is refused with the reason.
  const apiKey = apiKeyIn(given) ?? given

  const workspace = await openedBy(apiKey, stack.outputs.SeamEndpoint)
  const records = await belongsTo(stack, workspace)
  if (records === 'another')
    throw new NotAccepted(
      `That key opens ${workspaceNamed(workspace)}, and the records of this stack belong to another workspace. Nothing was stored.`,
    )
  await say(`The key opens ${workspaceNamed(workspace)}.`)
  if (records === 'unknown')
    await say('Whether the records of this stack are of the same workspace could not be looked up.')
  if (apiKey === stored) return apiKey
  if (!(await questions.yes('Store it?'))) throw new NotAccepted('Nothing was stored.')
  await secrets.write('SeamApiKeySecret', apiKey)
  await say('The key is stored; every function uses it within five minutes.')
  return apiKey
}

function readOptions(words: string[]) {
  const flag = { type: 'boolean', default: false } as const
  const options = {
    stack: { type: 'string' },
    'renew-webhook': flag,
    'rotate-sealing-key': flag,
    yes: flag,
    help: flag,
  } as const
  try {
    return parseArgs({ args: words, options }).values
  } catch (error) {
    // What stands there may be the key itself.
    if (codeOf(error) === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL')
      throw new Misuse(
        'Setup takes options alone. If that was the API key: it stands in the shell’s history now, so make another one.',
      )
    throw new Misuse(`${error instanceof Error ? error.message : error}\n\n${usage}`)
  }
}
