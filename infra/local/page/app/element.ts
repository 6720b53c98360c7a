/** The element of the page with this id. */
export function part<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`The page has no ${id}.`)
  return found as Kind
}

type Child = Node | string | undefined | false
type Children = (Child | Child[])[]
type Given = Record<string, string | boolean | undefined | (() => unknown)>

/** A new element: functions are told of the event of that name, all else is an attribute. Text stays text. */
export function element(name: string, given: Given = {}, ...children: Children): HTMLElement {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(given))
    if (typeof value === 'function') made.addEventListener(key, value)
    else if (value === true) made.setAttribute(key, '')
    else if (typeof value === 'string') made.setAttribute(key, value)
  made.append(...present(children))
  return made
}

export function button(label: string, click: () => unknown, given: Given = {}): HTMLElement {
  return element('button', { type: 'button', click, ...given }, label)
}

/** Shows these in the element with this id, in place of what was there. The keyboard's focus stays where it was. */
export function fill(id: string, ...children: Children): void {
  const place = part(id)
  const { activeElement } = document
  const focused = place.contains(activeElement) && activeElement?.textContent
  place.replaceChildren(...present(children))
  const again = [...place.querySelectorAll<HTMLElement>('button, summary')]
  if (focused) again.find(({ textContent }) => textContent === focused)?.focus()
}

const present = (children: Children) =>
  children.flat().filter((child) => child !== undefined && child !== false)

export function duration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

/** As a clock shows it: 59:08. */
export function minutes(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}

export const plural = (count: number, what: string) => `${count || 'no'} ${what}${count === 1 ? '' : 's'}`

/** Enough to tell two secrets apart, too little to use. */
export function masked(secret: string): string {
  return `${secret.slice(0, 9)}${'•'.repeat(8)}${secret.slice(-4)}`
}
