import { CliError } from '../../local/cli-error.ts'
import { signIn } from './stack.ts'

/** Before `npm run deploy`: says at once what would stop it after the synthesis. It stops nothing: a profile may be given to cdk. */

try {
  await signIn(process.env)
} catch (error) {
  if (!(error instanceof CliError)) throw error
  console.error(`${error.message} Or give cdk a profile: npm run deploy -- --profile NAME.\n`)
}
