import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Stack } from 'aws-cdk-lib'
import { CfnFunction } from 'aws-cdk-lib/aws-lambda'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { afterAll, describe, expect, it } from 'vitest'
import { tokenVendingApp } from '../../infra/app.ts'
import { context, exampleConfiguration } from './stack/stack.ts'

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

  it('passes with every setting of the stack too', () => {
    const tokenVendingStack = {
      dashboard: true,
      alarmEmail: 'on-call@acme.example',
      vendConcurrency: 20,
      domain: {
        name: 'doors.acme.example',
        certificateArn:
          'arn:aws:acm:eu-central-1:111122223333:certificate/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9',
        hostedZoneId: 'Z0123456789ABC',
        disableGenerated: true,
      },
      encryptionKeyArn: 'arn:aws:kms:eu-central-1:111122223333:key/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0',
      seamApiKeySecretArn: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:seam-AbCdEf',
    }
    const stages = { prod: { tokenVending: exampleConfiguration, tokenVendingStack } }
    tokenVendingApp({ outdir, context: { ...context, 'aws:cdk:bundling-stacks': [] } }, stages).synth()
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
