import { App, CfnOutput, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { Construct } from 'constructs'
import { describe, expect, it } from 'vitest'
import { laterOutputs, outputs, readOutputs } from '../../../infra/stack/outputs.ts'
import { TokenVending } from '../../../infra/stack/token-vending.ts'
import { context, exampleConfiguration, synthesised } from './stack.ts'

/** As CloudFormation shows them; references stand for what they become. */
function told(template: Template) {
  return Object.entries(template.findOutputs('*')).map(([OutputKey, { Value }]) => ({
    OutputKey,
    OutputValue: typeof Value === 'string' ? Value : JSON.stringify(Value),
  }))
}

describe('the outputs of a stack', () => {
  it('are found by name, and say where everything is', () => {
    const found = readOutputs(told(synthesised()))
    expect(Object.keys(found ?? {})).toEqual(
      Object.keys({ ...outputs, ...laterOutputs }).filter((name) => !name.startsWith('Regional')),
    )
    expect(found).toMatchObject({
      Next: 'npm run setup -- --stack token-vending-example',
      SeamEndpoint: 'https://connect.getseam.com',
      AdminFunction: expect.stringMatching(/^\{"Ref":"TokenVendingAdminFunction/),
      CleanupFunction: expect.stringMatching(/^\{"Ref":"TokenVendingCleaningHandlerFunction/),
      Table: expect.stringMatching(/^\{"Ref":"TokenVendingRecordsTable/),
      SeamApiKeySecret: expect.stringMatching(/^\{"Ref":"TokenVendingSecretsSeamApiKey/),
      SealingKeySecret: expect.stringMatching(/^\{"Ref":"TokenVendingSecretsSealingKey/),
    })
    const groups = found?.AuditLogGroups ?? ''
    for (const function_ of ['Admin', 'Webhook', 'Connect'])
      expect(groups).toContain(`TokenVending${function_}Log`)
  })

  it('are found among those of an app that has others with such names', () => {
    const app = new App({ context: { ...context, 'aws:cdk:bundling-stacks': [] } })
    const stack = new Stack(app, 'everything')
    new CfnOutput(new Construct(stack, 'Website'), 'Endpoint', { value: 'the website’s' })
    new CfnOutput(stack, 'Table', { value: 'another table' })
    const doors = new Construct(stack, 'Doors')
    new TokenVending(doors, 'Machine', { configuration: exampleConfiguration })
    const found = readOutputs(told(Template.fromStack(stack)))
    expect(found?.Endpoint).toContain('ApiEndpoint')
    expect(found?.Table).toContain('DoorsMachineRecordsTable')
  })

  it('of a stack of an earlier version do without the later ones', () => {
    const older = told(synthesised()).filter(({ OutputKey }) => !/Version|Commit|Hash/.test(OutputKey))
    expect(Object.keys(readOutputs(older) ?? {})).toEqual(Object.keys(outputs))
  })

  it('are not found where there is no vending machine, or one that lacks some', () => {
    expect(readOutputs([])).toBeUndefined()
    const all = told(synthesised())
    expect(readOutputs(all.filter(({ OutputKey }) => !OutputKey.includes('AlarmTopic')))).toBeUndefined()
  })
})
