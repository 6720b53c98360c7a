import type { Observation } from '../watching.ts'
import { part } from './element.ts'

/** Tells of every request; first of past ones, which are not live. `back`: the world has started again. */
export function watchWorld(
  told: (observation: Observation, isLive: boolean) => void,
  back: () => unknown,
): void {
  const events = new EventSource('/seen')
  let state: 'connecting' | 'live' | 'lost' = 'connecting'
  const become = (now: 'live' | 'lost', words: string) => {
    part('connection').textContent = words
    part('connection').classList.toggle('wrong', now === 'lost')
    if (now === 'live' && state === 'lost') back()
    state = now
  }
  events.addEventListener('here', () => become('live', 'Running'))
  events.addEventListener('error', () => become('lost', 'Stopped. Start it again with npm start.'))
  events.addEventListener('message', ({ data }) => told(JSON.parse(data), state === 'live'))
}

/** From here on `told` gets the id of every request of this page to the API; of the helper's too, since it uses `fetch`. */
export function watchRequests(api: string, told: (requestId: string) => void): void {
  const send = globalThis.fetch.bind(globalThis)
  globalThis.fetch = async (resource, init) => {
    const response = await send(resource, init)
    const id = response.headers.get('x-request-id')
    if (id !== null && String(resource).startsWith(`${api}/`)) told(id)
    return response
  }
}
