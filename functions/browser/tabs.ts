/** The other tabs of this origin: a sign-out in one is a sign-out in all. What is sent names the user and opens nothing. */
export function openTabs(url: string, left: (subject: unknown) => void): BroadcastChannel | undefined {
  if (!globalThis.BroadcastChannel) return undefined
  const tabs = new BroadcastChannel(`client-session ${url}`)
  tabs.onmessage = ({ data }) => left(data)
  // Node's would keep a process alive.
  ;(tabs as { unref?(): void }).unref?.()
  return tabs
}
