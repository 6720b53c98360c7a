import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readConfiguration } from '../../functions/config.ts'
import { propsFromContext } from '../../infra/stage.ts'
import { exampleConfiguration, ownConfiguration } from './stack.ts'

const folder = mkdtempSync(join(tmpdir(), 'stage-'))
afterAll(() => rmSync(folder, { recursive: true }))

const from = (context: Record<string, unknown>) => propsFromContext((name) => context[name])
const example = { stages: new URL('../../infra/stages.example.json', import.meta.url).pathname }

describe('the context of the CDK app', () => {
  it('carries the configuration, and the settings of the stack', () => {
    expect(from({ tokenVending: ownConfiguration, tokenVendingStack: { vendConcurrency: 5 } })).toEqual({
      configuration: ownConfiguration,
      vendConcurrency: 5,
    })
  })

  it('may name a file instead', () => {
    const file = join(folder, 'configuration.json')
    writeFileSync(file, JSON.stringify(ownConfiguration))
    expect(from({ tokenVending: file })).toEqual({ configuration: ownConfiguration })
    const none = join(folder, 'none.json')
    expect(() => from({ tokenVending: none })).toThrow(
      `tokenVending: ${none} is not a file with a JSON object`,
    )
  })

  it('gives way to a stage of the user’s own file', () => {
    const { configuration, allowLocalOrigins } = from({
      ...example,
      stage: 'dev',
      tokenVending: exampleConfiguration,
    })
    expect(configuration.deployment).toBe('dev')
    expect(allowLocalOrigins).toBe(true)
  })

  it('has to name a stage that exists', () => {
    for (const stage of ['prd', '__proto__'])
      expect(() => from({ ...example, stage })).toThrow(`no "${stage}"; choose one of dev, prod`)
  })

  it('cannot misspell a setting of the stack', () => {
    expect(() => from({ tokenVending: ownConfiguration, tokenVendingStack: { vendConcurency: 5 } })).toThrow(
      'tokenVendingStack: unknown: vendConcurency; remove it or correct the spelling',
    )
    expect(() => from({ tokenVending: ownConfiguration, tokenVendingStack: { vendConcurrency: 0 } })).toThrow(
      'tokenVendingStack.vendConcurrency: give at least 1',
    )
  })
})

describe('the example of a file of stages', () => {
  it.each(['dev', 'prod'])('has a valid configuration for %s', (stage) => {
    expect(readConfiguration(from({ ...example, stage }).configuration).deployment).toBe(stage)
  })
})
