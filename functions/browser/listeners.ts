import type { ClientSession, ClientSessionError } from './wire.ts'

/** Told each new session, and `undefined` when the last one may be used no longer: with the reason, if there is one. */
export type Listener = (session: ClientSession | undefined, error: ClientSessionError | undefined) => void

/** Each listener is told what is new to it, and of an error once while it lasts. */
export function listenerSet() {
  const entries = new Set<{ listener: Listener; told?: ClientSession | string | undefined }>()
  return {
    get size() {
      return entries.size
    },
    add(listener: Listener): () => void {
      const entry = { listener }
      entries.add(entry)
      return () => entries.delete(entry)
    },
    tell(session?: ClientSession, error?: ClientSessionError): void {
      const news = session ?? error?.code
      for (const entry of [...entries]) {
        if (entry.told === news) continue
        entry.told = news
        try {
          entry.listener(session, error)
        } catch (thrown) {
          // The listener's own mistake belongs on the console, not to the caller.
          void Promise.reject(thrown)
        }
      }
    },
  }
}
