/** Milliseconds. Timers sleep with the device: none is longer than this. */
const heartbeat = 60_000

interface Background {
  now: () => number
  wanted: () => boolean
  /** By `now`, when something has to be done; infinite: never. */
  due: () => number
  renew: () => Promise<unknown>
  /** The page can be seen again, or the network is back. */
  wake: () => Promise<unknown>
}

/** Sees to it that what is due gets done: by a timer, and when the page wakes. */
export function tender({ now, wanted, due, renew, wake }: Background) {
  let busy = false
  let timer: ReturnType<typeof setTimeout> | undefined

  /** Then plans what comes next; never rejects. */
  function after(work: Promise<unknown>): void {
    work.catch(() => {}).finally(plan)
  }

  function plan(): void {
    clearTimeout(timer)
    const at = due()
    if (wanted() && at < Infinity) timer = setTimeout(tick, Math.min(Math.max(at - now(), 1000), heartbeat))
  }

  function tick(): void {
    if (now() < due()) plan()
    // A hidden page asks for nothing: it would keep its user's sign-in alive for ever.
    else if (visible()) tend()
  }

  function tend(): void {
    if (busy) return
    busy = true
    after(
      renew().finally(() => {
        busy = false
      }),
    )
  }

  function awake(): void {
    if (visible()) after(wake())
  }

  return {
    tend,
    after,
    start(): void {
      globalThis.document?.addEventListener('visibilitychange', awake)
      globalThis.addEventListener?.('online', awake)
    },
    stop(): void {
      clearTimeout(timer)
      globalThis.document?.removeEventListener('visibilitychange', awake)
      globalThis.removeEventListener?.('online', awake)
    },
  }
}

function visible(): boolean {
  return globalThis.document?.visibilityState !== 'hidden'
}
