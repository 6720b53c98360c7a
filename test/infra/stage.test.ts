import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Stack } from 'aws-cdk-lib'
import { afterAll, describe, expect, it } from 'vitest'
import { tokenVendingApp } from '../../infra/app.ts'
import { chooseStage, propsOf, readStages } from '../../infra/stage.ts'
import { exampleConfiguration, ownConfiguration } from './stack/stack.ts'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

function fileWith(text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'stage-'))
  folders.push(folder)
  writeFileSync(join(folder, 'token-vending.json'), text)
  return readStages(folder)
}

const dev = { tokenVending: ownConfiguration, tokenVendingStack: { allowLocalOrigins: true } }
const prod = { tokenVending: { ...ownConfiguration, deployment: 'prod' } }

describe('token-vending.json', () => {
  it('has a stage by name, or the only one, also after a byte order mark', () => {
    const one = fileWith(`\uFEFF${JSON.stringify({ dev })}`)
    expect(chooseStage(one, undefined)).toEqual(dev)
    expect(chooseStage({ dev, prod }, 'prod')).toEqual(prod)
    expect(propsOf(dev)).toEqual({ configuration: ownConfiguration, allowLocalOrigins: true })
  })

  it('is missed only when a stage is wanted of it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'stage-'))
    folders.push(folder)
    expect(readStages(folder)).toBeUndefined()
    expect(() => chooseStage(undefined, 'dev')).toThrow('there is no token-vending.json; npm run init')
  })

  it('with several stages has to be told which, by a name that it has', () => {
    expect(() => chooseStage({ dev, prod }, undefined)).toThrow('has dev, prod; choose one with --stage NAME')
    for (const stage of ['prd', '__proto__'])
      expect(() => chooseStage({ dev, prod }, stage)).toThrow(`no "${stage}"; choose one of dev, prod`)
  })

  it.each(['{', '[]', '"dev"', '{ "dev": {} }', '{ "tokenVending": 1 }'])('%s is refused', (text) => {
    expect(() => fileWith(text)).toThrow('token-vending.json: give { "<stage>": { "tokenVending": { … } } }')
  })

  it('cannot misspell a setting of the stack', () => {
    const settings = (tokenVendingStack: object) => () => propsOf({ ...prod, tokenVendingStack })
    expect(settings({ vendConcurency: 5 })).toThrow(
      'tokenVendingStack: unknown: vendConcurency; remove it or correct the spelling',
    )
    expect(settings({ vendConcurrency: 0 })).toThrow('tokenVendingStack.vendConcurrency: give at least 1')
    const domain = {
      name: 'doors.acme.example',
      certificateArn: 'arn:aws:acm:eu-central-1:111122223333:certificate/0a1b',
    }
    expect(settings({ domain })).not.toThrow()
    expect(settings({ domain: { ...domain, name: '*.acme.example' } })).toThrow(
      'domain.name: give a host name',
    )
    expect(settings({ domain: { ...domain, certificateArn: '0a1b' } })).toThrow(
      'domain.certificateArn: give the whole',
    )
    expect(settings({ existing: { tableArn: 'doors' } })).toThrow(
      'existing.tableArn: give the whole ARN of a table',
    )
    expect(settings({ existing: { table: 'doors' } })).toThrow('existing: unknown: table')
    expect(settings({ encryptionKeyArn: 'alias/own' })).toThrow(
      'encryptionKeyArn: give the whole ARN of a key',
    )
  })
})

describe('the CDK app', () => {
  const context = { 'aws:cdk:bundling-stacks': [], tokenVending: exampleConfiguration }
  const stacksIn = (stages: Parameters<typeof tokenVendingApp>[1], stage?: string) =>
    tokenVendingApp({ context: { ...context, ...(stage && { stage }) } }, stages).node.children.filter(
      Stack.isStack,
    )
  const stackIn = (...given: Parameters<typeof stacksIn>) =>
    stacksIn(...given).map(({ stackName }) => stackName)

  it('takes the only stage of the file, the one that the context names, or without a file the context', () => {
    expect(stackIn({ dev })).toEqual(['token-vending-own'])
    expect(stackIn({ dev, prod }, 'prod')).toEqual(['token-vending-prod'])
    expect(stackIn(undefined)).toEqual(['token-vending-example'])
    expect(() => stackIn({ dev, prod })).toThrow('choose one with -c stage=NAME')
    expect(() => stackIn(undefined, 'prod')).toThrow('there is no token-vending.json')
  })

  it('protects its stack, unless a stage says otherwise, and says what it is and where it came from', () => {
    const [one] = stacksIn({ prod })
    const [other] = stacksIn({ prod: { ...prod, tokenVendingStack: { terminationProtection: false } } })
    expect([one?.terminationProtection, other?.terminationProtection]).toEqual([true, false])
    expect(one?.tags.tagValues()).toEqual({
      app: 'seam-token-vending',
      deployment: 'prod',
      commit: expect.stringMatching(/^([0-9a-f]{12}(-dirty)?|unknown)$/),
    })
  })
})
