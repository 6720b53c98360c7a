/** The element of the page with this id. */
export function part<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`The page has no ${id}.`)
  return found as Kind
}

type Child = Node | string | undefined | false
type Given = Record<string, string | boolean | undefined | (() => unknown)>

/** A new element: functions are told of the event of that name, all else is an attribute. Text stays text. */
export function element(name: string, given: Given = {}, ...children: (Child | Child[])[]): HTMLElement {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(given))
    if (typeof value === 'function') made.addEventListener(key, value)
    else if (value === true) made.setAttribute(key, '')
    else if (typeof value === 'string') made.setAttribute(key, value)
  made.append(...children.flat().filter((child) => child !== undefined && child !== false))
  return made
}

export function button(label: string, click: () => unknown, given: Given = {}): HTMLElement {
  return element('button', { type: 'button', click, ...given }, label)
}

export function duration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

/** As a clock shows it: 59:08. */
export function minutes(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const rest = `${Math.floor(whole / 60) % 60}:${String(whole % 60).padStart(2, '0')}`
  return whole < 3600 ? rest : `${Math.floor(whole / 3600)}:${rest.padStart(5, '0')}`
}

export const plural = (count: number, what: string) => `${count || 'no'} ${what}${count === 1 ? '' : 's'}`
