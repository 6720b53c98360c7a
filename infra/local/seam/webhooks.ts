import { randomBytes, randomUUID } from 'node:crypto'
import { Webhook } from 'svix'
import * as z from 'zod/v4-mini'
import type { LocalEvent } from './events.ts'

/** How deliveries go, so that what Svix may do can be had on demand. */
export const moodSchema = z.object({
  /** Nothing is sent until `flush`; held for good, it is lost. */
  hold: z.boolean(),
  /** How often each is sent: at least once is all that is promised. */
  copies: z.int().check(z.gte(1), z.lte(10)),
  /** In which order `flush` sends what has gathered. */
  order: z.enum(['kept', 'reversed', 'shuffled']),
})
export type Mood = z.infer<typeof moodSchema>

/** One try of one message; `status` 0: no answer. */
export type Attempt = { id: string; event_id: string; event_type: string; attempt: number; status: number }

type Endpoint = { webhook_id: string; url: string; event_types: string[]; secrets: string[] }
type Message = { id: string; event: LocalEvent; to: Endpoint; attempts: number; timer?: NodeJS.Timeout }

const second = 1000
const minute = 60 * second
/** Svix's waits after each failure, docs.svix.com/retries; then it gives up. */
const waits = [5 * second, 5 * minute, 30 * minute, 120 * minute, 300 * minute, 600 * minute, 600 * minute]
/** What Svix allows an endpoint for its answer. */
const patience = 15 * second

/**
 * Delivers events as Seam does, by Svix: signed by Svix's own library, at least once, in no promised order, again
 * and again until an answer is 2xx.
 */
export const webhookSender = ({ clock, ended }: { clock: () => number; ended: AbortSignal }) => {
  const endpoints: Endpoint[] = []
  const mood: Mood = { hold: false, copies: 1, order: 'kept' }
  const attempts: Attempt[] = []
  /** Not accepted yet: held, on its way, or waiting to be tried again. */
  const waiting = new Set<Message>()
  const onTheirWay = new Set<Promise<void>>()
  let outbox: LocalEvent[] = []
  ended.addEventListener('abort', () => {
    for (const { timer } of waiting) clearTimeout(timer)
  })

  const send = async (message: Message): Promise<boolean> => {
    const { id, event, to } = message
    const body = JSON.stringify(event)
    const at = new Date(clock())
    const signatures = to.secrets.map((secret) => new Webhook(secret).sign(id, at, body))
    const status = await fetch(to.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'svix-id': id,
        'svix-timestamp': String(Math.floor(at.getTime() / 1000)),
        'svix-signature': signatures.join(' '),
      },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([ended, AbortSignal.timeout(patience)]),
    }).then(
      async (response) => {
        await response.body?.cancel()
        return response.status
      },
      () => 0,
    )
    const { event_id, event_type } = event
    attempts.push({ id, event_id, event_type, attempt: ++message.attempts, status })
    return status >= 200 && status < 300
  }

  const deliver = (message: Message): Promise<void> => {
    const trying = (async () => {
      clearTimeout(message.timer)
      let accepted = false
      for (let copy = 0; copy < mood.copies; copy++) accepted = (await send(message)) || accepted
      const wait = waits[message.attempts - 1]
      if (accepted || wait === undefined) waiting.delete(message)
      else if (!ended.aborted) message.timer = setTimeout(() => void deliver(message), wait).unref()
    })()
    onTheirWay.add(trying)
    void trying.finally(() => onTheirWay.delete(trying))
    return trying
  }

  const idle = async (): Promise<void> => {
    while (onTheirWay.size > 0) await Promise.all(onTheirWay)
  }

  return {
    mood,
    attempts,
    /** Events of these types go there from now on. @returns its id and secret, and a way to rotate it */
    add: (url: string, event_types = ['*']) => {
      const endpoint: Endpoint = { webhook_id: randomUUID(), url, event_types, secrets: [newSecret()] }
      endpoints.push(endpoint)
      return {
        webhook_id: endpoint.webhook_id,
        secret: () => endpoint.secrets[0] ?? '',
        /** For a while Svix signs with the new secret and with the one before. */
        rotate: () => {
          endpoint.secrets = [newSecret(), ...endpoint.secrets.slice(0, 1)]
        },
        /** That while has passed. */
        forgetOld: () => {
          endpoint.secrets = endpoint.secrets.slice(0, 1)
        },
      }
    },
    /** As Seam shows them. */
    list: () =>
      endpoints.map(({ webhook_id, url, event_types, secrets: [secret] }) => ({
        webhook_id,
        url,
        event_types,
        ...(secret !== undefined && { secret }),
      })),
    /** @returns false when there is none of this id */
    remove: (webhook_id: string): boolean => {
      const place = endpoints.findIndex((endpoint) => endpoint.webhook_id === webhook_id)
      if (place >= 0) endpoints.splice(place, 1)
      return place >= 0
    },
    /** Takes an event in; it leaves with `dispatch`. */
    take: (event: LocalEvent): void => {
      outbox.push(event)
    },
    dispatch: (): void => {
      const events = outbox
      outbox = []
      for (const event of events)
        for (const to of endpoints) {
          if (!to.event_types.some((type) => type === '*' || type === event.event_type)) continue
          const message: Message = { id: `msg_${randomUUID().replaceAll('-', '')}`, event, to, attempts: 0 }
          waiting.add(message)
          if (!mood.hold) void deliver(message)
        }
    },
    waiting: (): LocalEvent[] => [...waiting].map(({ event }) => event),
    /** Resolves when nothing is on its way. */
    idle,
    /** Sends now what is held or waits to be tried again, one after the other. */
    flush: async (): Promise<void> => {
      await idle()
      for (const message of inOrder([...waiting], mood.order)) await deliver(message)
    },
  }
}

export type Webhooks = ReturnType<typeof webhookSender>

const newSecret = () => `whsec_${randomBytes(24).toString('base64')}`

const inOrder = <T>(items: T[], order: Mood['order']): T[] => {
  if (order === 'kept') return items
  if (order === 'reversed') return items.toReversed()
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}
