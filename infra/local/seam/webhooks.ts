import { randomBytes, randomUUID } from 'node:crypto'
import type { SeamEvent } from '@seamapi/types/connect'
import { Webhook } from 'svix'
import * as z from 'zod/v4-mini'

/** An event of Seam's: the members that all have, and those of its type. */
export type LocalEvent = Pick<
  SeamEvent,
  'event_id' | 'event_type' | 'workspace_id' | 'created_at' | 'occurred_at'
> & { [member: string]: unknown }

/** How deliveries go, so that what Svix may do can be had on demand. */
export const moodSchema = z.object({
  /** Nothing is sent until `flush`; held for good, it is lost. */
  hold: z.boolean(),
  /** How often each is sent: at least once is all that is promised. */
  copies: z.int().check(z.gte(1), z.lte(10)),
  /** In which order `flush` sends what has gathered. */
  order: z.enum(['kept', 'reversed', 'shuffled']),
})
type Mood = z.infer<typeof moodSchema>

/** One try of one message; `status` 0: no answer. */
type Attempt = { id: string; event_id: string; event_type: string; attempt: number; status: number }

/** While there are two secrets, the newest first, both sign: so Svix rotates them. */
export type Endpoint = {
  webhook_id: string
  url: string
  event_types: string[]
  secrets: string[]
  /** Over restarts, as what is made over HTTP is; what is made in process ends with it. */
  kept: boolean
}

/** As Seam shows them. */
export const shownWebhook = ({ kept, secrets: [secret = ''], ...endpoint }: Endpoint) => ({
  ...endpoint,
  secret,
})

type Message = { id: string; event: LocalEvent; to: Endpoint; attempts: number; timer?: NodeJS.Timeout }

const second = 1000
const minute = 60 * second
/** Svix's waits after each failure, docs.svix.com/retries; then it gives up. */
const waits = [5 * second, 5 * minute, 30 * minute, 120 * minute, 300 * minute, 600 * minute, 600 * minute]
/** What Svix allows an endpoint for its answer. */
const answerTimeout = 15 * second

/**
 * Delivers events as Seam does, by Svix: signed by Svix's own library, at least once, in no promised order, again
 * and again until an answer is 2xx.
 */
export class Webhooks {
  readonly mood: Mood = { hold: false, copies: 1, order: 'kept' }
  readonly attempts: Attempt[] = []
  readonly endpoints: Endpoint[]
  readonly #clock: () => number
  readonly #ended: AbortSignal
  /** Not accepted yet: held, on its way, or waiting to be tried again. */
  readonly #waiting = new Set<Message>()
  readonly #onTheirWay = new Set<Promise<void>>()
  #outbox: LocalEvent[] = []

  constructor(clock: () => number, ended: AbortSignal, endpoints: Endpoint[]) {
    this.#clock = clock
    this.#ended = ended
    this.endpoints = endpoints
    ended.addEventListener('abort', () => {
      for (const { timer } of this.#waiting) clearTimeout(timer)
    })
  }

  /** Events of these types go there from now on. */
  add(url: string, event_types = ['*'], kept = false) {
    const secrets = [`whsec_${randomBytes(24).toString('base64')}`]
    const endpoint: Endpoint = { webhook_id: randomUUID(), url, event_types, secrets, kept }
    this.endpoints.push(endpoint)
    return { ...endpoint, secret: () => secrets[0] ?? '' }
  }

  list = () => this.endpoints.map(shownWebhook)

  /** Takes an event in; it leaves with `dispatch`. */
  take(event: LocalEvent): void {
    this.#outbox.push(event)
  }

  dispatch(): void {
    for (const event of this.#outbox.splice(0))
      for (const to of this.endpoints) {
        if (!to.event_types.some((type) => type === '*' || type === event.event_type)) continue
        const message: Message = { id: `msg_${randomUUID().replaceAll('-', '')}`, event, to, attempts: 0 }
        this.#waiting.add(message)
        if (!this.mood.hold) void this.#deliver(message)
      }
  }

  waiting = (): LocalEvent[] => [...this.#waiting].map(({ event }) => event)

  /** Resolves when nothing is on its way. */
  idle = async (): Promise<void> => {
    while (this.#onTheirWay.size > 0) await Promise.all(this.#onTheirWay)
  }

  /** Sends now what is held or waits to be tried again, one after the other. */
  async flush(): Promise<void> {
    await this.idle()
    for (const message of inOrder([...this.#waiting], this.mood.order)) await this.#deliver(message)
  }

  #deliver(message: Message): Promise<void> {
    const trying = this.#try(message).finally(() => this.#onTheirWay.delete(trying))
    this.#onTheirWay.add(trying)
    return trying
  }

  async #try(message: Message): Promise<void> {
    clearTimeout(message.timer)
    let accepted = false
    for (let copy = 0; copy < this.mood.copies; copy++) accepted = (await this.#send(message)) || accepted
    const wait = waits[message.attempts - 1]
    if (accepted || wait === undefined) this.#waiting.delete(message)
    else if (!this.#ended.aborted) message.timer = setTimeout(() => void this.#deliver(message), wait).unref()
  }

  async #send(message: Message): Promise<boolean> {
    const { id, event, to } = message
    const body = JSON.stringify(event)
    const at = new Date(this.#clock())
    const status = await fetch(to.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'svix-id': id,
        'svix-timestamp': String(Math.floor(at.getTime() / 1000)),
        'svix-signature': to.secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(' '),
      },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([this.#ended, AbortSignal.timeout(answerTimeout)]),
    }).then(
      async (response) => {
        await response.body?.cancel()
        return response.status
      },
      () => 0,
    )
    const { event_id, event_type } = event
    this.attempts.push({ id, event_id, event_type, attempt: ++message.attempts, status })
    return status >= 200 && status < 300
  }
}

function inOrder<T>(items: T[], order: Mood['order']): T[] {
  if (order === 'kept') return items
  if (order === 'reversed') return items.toReversed()
  const drawn = items.map((item) => ({ item, at: Math.random() }))
  return drawn.sort((a, b) => a.at - b.at).map(({ item }) => item)
}
