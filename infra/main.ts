import { ConfigurationError } from '../functions/config.ts'
import { tokenVendingApp } from './app.ts'
import { readStages } from './stage.ts'

/** What `cdk` runs. */
try {
  tokenVendingApp(undefined, readStages(process.cwd())).synth()
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error
  console.error(error.message)
  process.exit(1)
}
