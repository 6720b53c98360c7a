/**
 * A connection that was idle for longer, ms, may be dead without a word: the process may have been frozen meanwhile,
 * and then no timer tells (law 11).
 */
export const idleAtMost = 20_000

type DispatcherClass = new (options: { keepAliveMaxTimeout: number }) => object

/** `fetch` that reuses no connection that may be dead: after so long, or once a request has had no answer, it opens new ones. */
export function freshFetch(clock: () => number): typeof fetch {
  let dispatcher: object | undefined
  let usedAt = 0
  return async (address, how) => {
    if (Math.abs(clock() - usedAt) > idleAtMost) dispatcher = undefined
    dispatcher ??= newDispatcher()
    const used = dispatcher
    usedAt = clock()
    try {
      return await fetch(address, { ...how, ...(used && { dispatcher: used }) })
    } catch (error) {
      // Others may be as dead as this one was.
      if (dispatcher === used) dispatcher = undefined
      throw error
    } finally {
      usedAt = clock()
    }
  }
}

/** Node has undici's `Agent`, which keeps connections, but only this way to it; until the first request it has none. */
function newDispatcher(): object | undefined {
  const usual = Reflect.get(globalThis, Symbol.for('undici.globalDispatcher.1')) as object | undefined
  return usual && new (usual.constructor as DispatcherClass)({ keepAliveMaxTimeout: idleAtMost })
}
