import { App, Stack } from 'aws-cdk-lib'
import { ConfigurationError, readConfiguration } from '../functions/config.ts'
import { deploying } from './deploying.ts'
import { exampleIssuerFault } from './example-issuer.ts'
import { propsFromContext } from './stage.ts'
import { TokenVending } from './token-vending.ts'

/** The CDK app: one stack, named after the deployment, with the whole vending machine in it. */
try {
  const app = new App()
  const props = propsFromContext((name) => app.node.tryGetContext(name))
  const configuration = readConfiguration(props.configuration)
  const fault = exampleIssuerFault(configuration)
  if (fault !== undefined && deploying()) throw new ConfigurationError(fault)

  const stack = new Stack(app, `token-vending-${configuration.deployment}`, {
    description: 'The Seam token vending machine.',
  })
  new TokenVending(stack, 'TokenVending', props)
  app.synth()
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error
  console.error(error.message)
  process.exit(1)
}
