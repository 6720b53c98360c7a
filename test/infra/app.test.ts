import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Stack } from 'aws-cdk-lib'
import { CfnFunction } from 'aws-cdk-lib/aws-lambda'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { afterAll, describe, expect, it } from 'vitest'
import { tokenVendingApp } from '../../infra/app.ts'
import { context } from './stack/stack.ts'

const outdir = mkdtempSync(join(tmpdir(), 'app-'))
afterAll(() => rmSync(outdir, { recursive: true }))

function app() {
  const made = tokenVendingApp({ outdir, context: { ...context, 'aws:cdk:bundling-stacks': [] } })
  return { made, stack: made.node.findChild('token-vending-example') as Stack }
}

/** The rules that a checker of templates found broken. */
function findings(): Record<string, string[]> {
  const { pluginReports } = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8'))
  return Object.fromEntries(
    pluginReports.map((report: { pluginName: string; violations: { ruleName: string }[] }) => [
      report.pluginName,
      report.violations.map(({ ruleName }) => ruleName),
    ]),
  )
}

describe('the synthesis', () => {
  it('passes with nothing found by either checker of templates', () => {
    const { made, stack } = app()
    expect(Stack.isStack(stack)).toBe(true)
    made.synth()
    expect(findings()).toEqual({})
  })

  it('fails on a finding of cdk-nag', () => {
    const { made, stack } = app()
    new Bucket(stack, 'Careless')
    expect(() => made.synth()).toThrow('validation-report.json')
    expect(findings().AwsSolutions).toContain('AwsSolutions-S10')
  })

  it('fails on a finding of CDK’s own validator', () => {
    const { made, stack } = app()
    const code = { zipFile: '0' }
    const role = 'arn:aws:iam::111122223333:role/role'
    const never = { code, role, handler: 'index.handler', runtime: 'nodejs24.x', timeout: 901 }
    new CfnFunction(stack, 'TooLong', never)
    expect(() => made.synth()).toThrow('validation-report.json')
    expect(findings()['CloudFormation Validate']).toContain('E3717')
  })
})
