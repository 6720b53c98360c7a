import type { ClientSession, ClientSessionError } from './wire.ts'

/** Told each new session, and `undefined` when the last one may be used no longer: with the reason, if there is one. */
export type Listener = (session: ClientSession | undefined, error: ClientSessionError | undefined) => void

/** Whoever listens: each is told what is new to them, and of an error no more than once while it lasts. */
export function audience() {
  const seats = new Set<{ listener: Listener; told?: ClientSession | string | undefined }>()
  return {
    get size() {
      return seats.size
    },
    seat(listener: Listener): () => void {
      const seat = { listener }
      seats.add(seat)
      return () => seats.delete(seat)
    },
    tell(session?: ClientSession, error?: ClientSessionError): void {
      const news = session ?? error?.code
      for (const seat of [...seats]) {
        if (seat.told === news) continue
        seat.told = news
        try {
          seat.listener(session, error)
        } catch (thrown) {
          // The listener's own mistake belongs on the console, not to whoever asked.
          void Promise.reject(thrown)
        }
      }
    },
  }
}
