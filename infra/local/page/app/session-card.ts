import type { ClientSession } from '../../../../functions/browser/client-session.ts'
import { minutes, part } from './element.ts'
import { masked } from './wire.ts'

/** The client session in numbers that move: how old it is, when a fresh one is asked for, when it ends. */

let shown: { session: ClientSession; since: number; age: number } | undefined
setInterval(tick, 1000)

export function showSession(session: ClientSession | undefined): void {
  part('session').hidden = session === undefined
  if (session === undefined) shown = undefined
  if (session === undefined || session === shown?.session) return
  const age = shown?.session.client_session_id === session.client_session_id ? shown.age : 0
  shown = { session, since: performance.now(), age }
  part('token').textContent = masked(session.token)
  part('client-session-id').textContent = session.client_session_id
  tick()
}

/** Seconds, as the server knows it; the wire does not tell. */
export function setAge(client_session_id: string, age: number): void {
  if (shown?.session.client_session_id !== client_session_id) return
  shown.age = age - (performance.now() - shown.since) / 1000
  tick()
}

function tick(): void {
  if (shown === undefined) return
  const { session, since, age } = shown
  // Relative times from the moment of the answer: the clock of this device may be wrong by hours.
  const passed = (performance.now() - since) / 1000
  part('age').textContent = minutes(age + passed)
  part('refresh').textContent = minutes(session.refresh_in - passed)
  part('end').textContent = minutes(session.expires_in - passed)
  const bar = part<HTMLProgressElement>('life')
  bar.max = age + session.expires_in
  bar.value = age + passed
}
