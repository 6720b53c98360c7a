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
