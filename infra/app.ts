import { App, type AppProps, Stack, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { readConfiguration } from '../functions/config.ts'
import { propsFromContext } from './stage.ts'
import { TokenVending } from './token-vending.ts'

/**
 * The CDK app: one stack, named after the deployment, with the whole vending machine in it.
 * Throws `ConfigurationError` with a sentence that says what to change.
 */
export function tokenVendingApp(appProps?: AppProps): App {
  const app = new App(appProps)
  const props = propsFromContext((name) => app.node.tryGetContext(name))
  const configuration = readConfiguration(props.configuration)

  const stack = new Stack(app, `token-vending-${configuration.deployment}`, {
    description: 'The Seam token vending machine.',
  })
  new TokenVending(stack, 'TokenVending', props)
  // Beside CDK's own validator of templates (a flag in cdk.json): any finding of either fails the synthesis.
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { verbose: true }))
  return app
}
