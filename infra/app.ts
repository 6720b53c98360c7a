import { App, type AppProps, Stack, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { readConfiguration } from '../functions/config.ts'
import { currentCommit } from './stack/release.ts'
import { TokenVending } from './stack/token-vending.ts'
import { chooseStage, propsOf, type Stages, stackNameOf } from './stage.ts'

/**
 * The CDK app: one stack, named after the deployment, with the whole vending machine in it. `stages` is the user's
 * own file; without it the context's `tokenVending` is deployed.
 * Throws `ConfigurationError` with a sentence that says what to change.
 */
export function tokenVendingApp(appProps?: AppProps, stages?: Stages): App {
  const app = new App(appProps)
  const { terminationProtection = true, ...props } = propsOf(stageOf(app, stages))
  const configuration = readConfiguration(props.configuration)

  const { deployment } = configuration
  const stack = new Stack(app, stackNameOf(deployment), {
    description: 'The Seam token vending machine.',
    terminationProtection,
    // Of the stack, which hands them on: in the template, each commit would show as a change of every resource.
    tags: { app: 'seam-token-vending', deployment, commit: currentCommit() },
  })
  new TokenVending(stack, 'TokenVending', props)
  // Beside CDK's own validator of templates (a flag in cdk.json): any finding of either fails the synthesis.
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { verbose: true }))
  return app
}

function stageOf({ node }: App, stages: Stages | undefined) {
  const name: unknown = node.tryGetContext('stage')
  if (stages === undefined && name === undefined)
    return {
      tokenVending: node.tryGetContext('tokenVending'),
      tokenVendingStack: node.tryGetContext('tokenVendingStack'),
    }
  return chooseStage(stages, name === undefined ? undefined : String(name), '-c stage=NAME')
}
