import { createServer } from 'node:http'
import { Webhook } from 'svix'
import { type AccountAudit, jsonLog } from '../../functions/http/audit.ts'
import type { LocalEvent } from '../../infra/local/seam/webhooks.ts'
import { passed, wrote } from '../leaks.ts'
import { listen, listenerOf, stopListening } from '../loopback.ts'
import { type Answer, ask, startVendingWorld, type VendingWorld } from './vending-world.ts'
import { wireWebhookOver } from './wiring.ts'

/** A vending world to whose webhook address the local Seam really delivers. */
export interface WebhookWorld extends VendingWorld {
  /** Base URL of the webhook's own server. */
  address: string
  endpoint: ReturnType<VendingWorld['seam']['webhooks']['add']>
  /** The value of the webhook secrets' secret, as it is kept, and as it is when it is read again. */
  secrets: { kept: string; fresh: string; freshReads: number }
  /** Changes of mappings, subjects in clear. */
  auditLog: AccountAudit[]
  /** Until nothing is on its way. */
  delivered: () => Promise<void>
  /** One webhook that the test makes up, signed by Svix's own library. */
  send: (event: unknown, changes?: Changes) => Promise<Answer>
}

interface Changes {
  secret?: string
  id?: string
  /** Epoch milliseconds. */
  at?: number
  headers?: Record<string, string>
  /** What arrives in the place of what was signed. */
  body?: string
}

export async function startWebhookWorld(
  options: Parameters<typeof startVendingWorld>[0] = {},
): Promise<WebhookWorld> {
  const world = await startVendingWorld(options)
  const secrets = { kept: '', fresh: '', freshReads: 0 }
  const auditLog: AccountAudit[] = []
  const write = jsonLog((line) => {
    world.lines.push(line)
    wrote(line)
  })
  const machine = wireWebhookOver(world.addresses, {
    ...(options.configuration && { configuration: options.configuration }),
    ...(options.times && { times: options.times }),
    clock: world.clock.now,
    log: (audit) => {
      world.log.push(audit)
      write(audit)
    },
    auditLog: (audit) => auditLog.push(audit),
    readSecrets: async ({ fresh }) => {
      if (fresh) {
        secrets.freshReads++
        secrets.kept = secrets.fresh
      }
      passed(secrets.kept)
      return secrets.kept
    },
  })
  const server = createServer(listenerOf(machine.app.fetch))
  const address = await listen(server, 0, 'the webhook')
  const endpoint = world.seam.webhooks.add(`${address}/webhooks/seam`)
  secrets.kept = JSON.stringify([endpoint.secret()])
  secrets.fresh = secrets.kept

  return {
    ...world,
    address,
    endpoint,
    secrets,
    auditLog,
    delivered: world.seam.webhooks.idle,
    send(event, changes = {}) {
      const { secret = endpoint.secret(), id = 'msg_made_up', at = world.clock.now(), headers } = changes
      const signed = typeof event === 'string' ? event : JSON.stringify(event)
      return ask(machine, {
        path: '/webhooks/seam',
        body: changes.body ?? signed,
        headers: {
          'svix-id': id,
          'svix-timestamp': String(Math.floor(at / 1000)),
          'svix-signature': new Webhook(secret).sign(id, new Date(at), signed),
          ...headers,
        },
      })
    },
    async close() {
      await stopListening(server)
      await world.close()
    },
  }
}

/** The events that Seam has told of so far, oldest first. */
export async function eventsOf({ seam }: Pick<VendingWorld, 'seam'>): Promise<LocalEvent[]> {
  const response = await fetch(`${seam.url}/events/list`, {
    method: 'POST',
    headers: { authorization: `Bearer ${seam.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ since: '2020-01-01T00:00:00.000Z' }),
  })
  return ((await response.json()) as { events: LocalEvent[] }).events
}
