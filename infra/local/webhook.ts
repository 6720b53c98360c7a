import type { Configuration } from '../../functions/config.ts'
import { type Worlds, webhookMachine } from '../../functions/machine.ts'
import { times } from '../../functions/times.ts'
import type { LocalSeam } from './seam/workspace.ts'

/** Seam's webhook on one machine: the app that has a Lambda of its own in the cloud. */
export function localWebhook(configuration: Configuration, worlds: Worlds) {
  const secrets: string[] = []
  const readSecrets = async () => JSON.stringify(secrets)
  const { app } = webhookMachine(configuration, times, { ...worlds, readSecrets })

  return {
    app,

    /** From now on the local Seam tells what happens there. `api`: the API's base URL. */
    subscribe({ webhooks }: LocalSeam, api: string): void {
      secrets.push(webhooks.add(`${api}/webhooks/seam`).secret())
    },
  }
}
