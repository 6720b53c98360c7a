import type { PageFacts } from '../server.ts'
import type { Observation } from '../watching.ts'
import { part } from './element.ts'

/** The local world may still be starting, or be starting again. */
export async function untilStarted(): Promise<PageFacts> {
  for (;;) {
    const response = await fetch('/facts.json').catch(() => undefined)
    if (response?.ok) return response.json()
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
}

/** Tells of every request; first of past ones, which are not live. `back`: the world has started again. */
export function watchWorld(
  told: (observation: Observation, isLive: boolean) => void,
  back: () => unknown,
): void {
  const events = new EventSource('/seen')
  let state: 'connecting' | 'live' | 'lost' = 'connecting'
  const connected = (is: boolean) => {
    part('connection').textContent = is ? 'Running' : 'Stopped. Start it again with npm start.'
    part('connection').classList.toggle('wrong', !is)
  }
  events.addEventListener('here', () => {
    connected(true)
    // No need to wait for the helper's next try.
    if (state === 'lost') back()
    state = 'live'
  })
  events.addEventListener('error', () => {
    connected(false)
    state = 'lost'
  })
  events.addEventListener('message', ({ data }) => told(JSON.parse(data), state === 'live'))
}
