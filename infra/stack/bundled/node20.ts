/** For whoever installs the package on Node 20: `pack.ts` replaces the built-in ones by these. */

export function mapGroupBy<T, K>(items: Iterable<T>, keyOf: (item: T, index: number) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const [index, item] of [...items].entries()) {
    const key = keyOf(item, index)
    const group = groups.get(key) ?? []
    group.push(item)
    groups.set(key, group)
  }
  return groups
}

export function objectGroupBy<T>(items: Iterable<T>, keyOf: (item: T, index: number) => PropertyKey): object {
  return Object.fromEntries(mapGroupBy(items, keyOf))
}

export function parseUrl(address: string): URL | null {
  return URL.canParse(address) ? new URL(address) : null
}
