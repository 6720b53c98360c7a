import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

/** Clients of different versions bring copies of what they share: each would be loaded, and patched, by itself. */

test.each(['package-lock.json', 'test/bench/package-lock.json'])(
  'all clients of the AWS SDK in %s have one version, and one core',
  (file) => {
    const { packages } = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Locked> }
    const all = Object.entries(packages)
    const versionsOf = (name: RegExp) =>
      new Set(all.filter(([path]) => name.test(path)).map(([, { version }]) => version))
    expect(versionsOf(/node_modules\/@aws-sdk\/(client|lib)-[a-z-]+$/).size).toBe(1)
    for (const shared of [/node_modules\/@aws-sdk\/core$/, /node_modules\/@smithy\/core$/])
      expect(all.filter(([path]) => shared.test(path))).toHaveLength(1)
  },
)

test('the clients are pinned, at that version', () => {
  const versionIn = (file: string) =>
    Object.entries<string>({ ...read(file).devDependencies, ...read(file).dependencies }).flatMap(
      ([name, version]) => (name.startsWith('@aws-sdk/') ? [version] : []),
    )
  const versions = [...versionIn('package.json'), ...versionIn('test/bench/package.json')]
  expect(versions.length).toBeGreaterThan(6)
  expect(new Set(versions).size).toBe(1)
  expect(versions[0]).toMatch(/^\d+\.\d+\.\d+$/)
})

const read = (file: string) => JSON.parse(readFileSync(file, 'utf8'))

interface Locked {
  version: string
}
