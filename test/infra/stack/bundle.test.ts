import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readConfiguration } from '../../../functions/config.ts'
import { bundle } from '../../../infra/stack/bundle.ts'
import { loadedAtStart } from './loaded.ts'
import { exampleConfiguration } from './stack.ts'

const folder = mkdtempSync(join(tmpdir(), 'bundle-'))
afterAll(() => rmSync(folder, { recursive: true }))

const configuration = readConfiguration({
  ...exampleConfiguration,
  // Nothing in a configuration may reach a shell or end a string.
  issuers: [{ name: 'own', issuer: 'https://issuer.example', audiences: ['$(echo "hi")', "it's `quoted`"] }],
})

const sdk = /node_modules\/(@aws-sdk|@smithy|@aws-crypto)\//

describe.each(['vend', 'connect', 'webhook', 'identity-events', 'cleanup', 'admin'] as const)(
  'the bundle of %s',
  async (entry) => {
    const into = join(folder, entry)
    const metafile = await bundle(entry, configuration, into)
    const { outputs, files, inputs } = loadedAtStart(metafile, `${entry}.mjs`)
    const code = files.map((file) => readFileSync(file, 'utf8')).join('\n')

    it('exports a handler, and needs no file outside its asset', () => {
      expect(outputs[0]?.exports).toEqual(['handler'])
      const outside = Object.values(metafile.outputs).flatMap(({ imports }) =>
        imports.filter(({ external }) => external).map(({ path }) => path),
      )
      expect(outside.filter((path) => process.getBuiltinModule(path) === undefined)).toEqual([])
    })

    it('starts without the SDK, which is there to be loaded', () => {
      expect(inputs.filter((file) => sdk.test(file))).toEqual([])
      const all = Object.values(metafile.outputs).flatMap((output) => Object.keys(output.inputs))
      for (const client of ['client-dynamodb', 'client-secrets-manager'])
        expect(all.some((file) => file.includes(`@aws-sdk/${client}/`))).toBe(true)
    })

    it('makes nothing at its start whose first use would load undici', () => {
      expect(code.match(/new (Headers|Request|Response|FormData)\b/g)).toBeNull()
      expect(code.includes('Dynamic require')).toBe(false)
    })

    it('carries the configuration as it was validated, the same in all of them', () => {
      // esbuild chooses the quotes that need the fewest escapes.
      expect(code.includes(`'$(echo "hi")'`)).toBe(true)
      expect(code.includes('"it\'s `quoted`"')).toBe(true)
    })

    it.each(['@seamapi/', 'seam/', 'axios/', 'svix/'])('has nothing of %s in it', (name) => {
      expect(Object.keys(metafile.inputs).filter((file) => file.includes(`node_modules/${name}`))).toEqual([])
    })

    it('has the mini build of zod in it, not the full one', () => {
      const zod = Object.values(metafile.outputs).flatMap((output) =>
        Object.entries(output.inputs).filter(([file]) => file.includes('node_modules/zod/')),
      )
      expect(zod.length).toBeGreaterThan(0)
      // Of the locales their empty index is left.
      const full = /\/(classic|v3|locales)\/(?!index\.js$)/
      expect(zod.filter(([file, { bytesInOutput }]) => full.test(file) && bytesInOutput > 0)).toEqual([])
    })

    if (entry !== 'vend') return
    it('is at most 110 kB at its start, without zod', () => {
      const bytes = outputs.reduce((sum, output) => sum + output.bytes, 0)
      expect(inputs).toContain('functions/seam/client.ts')
      expect(bytes).toBeGreaterThan(50_000)
      expect(bytes).toBeLessThanOrEqual(110_000)
      expect(inputs.filter((file) => file.includes('node_modules/zod/'))).toEqual([])
    })
  },
)
