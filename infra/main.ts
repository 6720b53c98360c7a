import { ConfigurationError } from '../functions/config.ts'
import { tokenVendingApp } from './app.ts'

/** What `cdk` runs. */
try {
  tokenVendingApp().synth()
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error
  console.error(error.message)
  process.exit(1)
}
