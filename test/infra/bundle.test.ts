import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readConfiguration } from '../../functions/config.ts'
import { bundle } from '../../infra/bundle.ts'
import { exampleConfiguration } from './stack.ts'

const folder = mkdtempSync(join(tmpdir(), 'bundle-'))
afterAll(() => rmSync(folder, { recursive: true }))

const configuration = readConfiguration({
  ...exampleConfiguration,
  // Nothing in a configuration may reach a shell or end a string.
  issuers: [{ name: 'own', issuer: 'https://issuer.example', audiences: ['$(echo "hi")', "it's `quoted`"] }],
})

describe('the bundle of the vend function', async () => {
  const { inputs, outputs } = await bundle('vend', configuration, folder)
  const [output] = Object.values(outputs)

  it('stays under 260 kB', () => {
    expect(output?.bytes).toBeGreaterThan(0)
    expect(output?.bytes).toBeLessThan(260_000)
  })

  it.each([
    '@seamapi/',
    'seam/',
    'axios/',
    'svix/',
    '@aws-sdk/credential-provider',
    '@aws-sdk/nested-clients/',
    '@smithy/credential-provider-imds/',
  ])('has nothing of %s in it', (name) => {
    expect(Object.keys(inputs).filter((file) => file.includes(`node_modules/${name}`))).toEqual([])
  })

  it('has the mini build of zod in it, not the full one', () => {
    const zod = Object.keys(inputs).filter((file) => file.includes('node_modules/zod/'))
    expect(zod.length).toBeGreaterThan(0)
    // Of the locales their empty index is left.
    const full = /\/(classic|v3|locales)\/(?!index\.js$)/
    expect(zod.filter((file) => full.test(file) && weight(file) > 0)).toEqual([])
  })

  it('starts without zod, which is loaded for a body and for an answer of Seam', () => {
    const started = new Set(['functions/vend.ts'])
    // A set hands out what is added while it is walked.
    for (const file of started)
      for (const { kind, path } of inputs[file]?.imports ?? [])
        if (kind === 'import-statement' && weight(path) > 0) started.add(path)
    expect(started).toContain('functions/seam.ts')
    expect([...started].filter((file) => file.includes('node_modules/zod/'))).toEqual([])
  })

  const weight = (file: string) => output?.inputs[file]?.bytesInOutput ?? 0
})

describe.each(['vend', 'connect', 'webhook', 'cleanup', 'admin'] as const)(
  'the bundle of %s',
  async (entry) => {
    const { outputs } = await bundle(entry, configuration, folder)
    const [output] = Object.values(outputs)
    const code = readFileSync(join(folder, `${entry}.mjs`), 'utf8')

    it('exports a handler, and needs no file outside its asset', () => {
      expect(output?.exports).toEqual(['handler'])
      const outside = output?.imports.filter(({ external }) => external).map(({ path }) => path) ?? []
      expect(outside.filter((path) => process.getBuiltinModule(path) === undefined)).toEqual([])
      expect(code.includes('Dynamic require')).toBe(false)
    })

    it('makes nothing whose first use would load undici', () => {
      expect(code.match(/new (Headers|Request|Response|FormData)\b/g)).toBeNull()
    })

    it('carries the configuration as it was validated, the same in all of them', () => {
      // esbuild chooses the quotes that need the fewest escapes.
      expect(code.includes(`'$(echo "hi")'`)).toBe(true)
      expect(code.includes('"it\'s `quoted`"')).toBe(true)
    })
  },
)
