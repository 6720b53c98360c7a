/** For whoever installs the package on Node 20: `pack.ts` replaces the built-in ones by these. */

export function mapGroupBy<T, K>(items: Iterable<T>, keyOf: (item: T, index: number) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  let index = 0
  for (const item of items) {
    const key = keyOf(item, index++)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}

export function objectGroupBy<T>(items: Iterable<T>, keyOf: (item: T, index: number) => PropertyKey): object {
  return Object.assign(Object.create(null), Object.fromEntries(mapGroupBy(items, keyOf)))
}

export function parseUrl(address: string, base?: string): URL | null {
  return URL.canParse(address, base) ? new URL(address, base) : null
}
