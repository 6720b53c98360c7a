/** `fetch` for a world in which hosts have names: addresses at these go to the servers that stand behind them. */
export function internetOf(hosts: Record<string, string>): typeof fetch {
  const { fetch } = globalThis
  return async function internet(address, init) {
    const url = new URL(String(address))
    const server = hosts[url.hostname]
    return fetch(server === undefined ? url : `${server}${url.pathname}${url.search}`, init)
  }
}
