/** Milliseconds. Timers sleep with the device: none is longer than this. */
const heartbeat = 60_000

interface TimerDeps {
  now: () => number
  /** By `now`, when there is something to do; infinite: never. */
  due: () => number
  renew: () => Promise<unknown>
  /** The page can be seen again, or the network is back. */
  wake: () => Promise<unknown>
}

/** Refreshes when it is due: by a timer, and when the page wakes. */
export function refreshTimer({ now, due, renew, wake }: TimerDeps) {
  let busy = false
  let timer: ReturnType<typeof setTimeout> | undefined

  /** Then plans what comes next; never rejects. */
  function after(work: Promise<unknown>): void {
    work.catch(() => {}).finally(plan)
  }

  function plan(): void {
    clearTimeout(timer)
    const at = due()
    if (at < Infinity) timer = setTimeout(tick, Math.min(Math.max(at - now(), 1000), heartbeat))
  }

  function tick(): void {
    if (now() < due()) plan()
    // A hidden page does not refresh: it would keep its user's sign-in alive for ever.
    else if (isVisible()) refresh()
  }

  function refresh(): void {
    if (busy) return
    busy = true
    after(
      renew().finally(() => {
        busy = false
      }),
    )
  }

  function onWake(): void {
    if (isVisible()) after(wake())
  }

  function listen(how: 'addEventListener' | 'removeEventListener'): void {
    globalThis.document?.[how]('visibilitychange', onWake)
    globalThis[how]?.('online', onWake)
  }

  return {
    refresh,
    after,
    start: () => listen('addEventListener'),
    stop(): void {
      clearTimeout(timer)
      listen('removeEventListener')
    },
  }
}

function isVisible(): boolean {
  return globalThis.document?.visibilityState !== 'hidden'
}
