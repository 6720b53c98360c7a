import { Trouble } from '../../local/trouble.ts'
import { clientFor, signedInRegion } from './stack.ts'

/** Before `npm run deploy`: says at once what would stop it after the synthesis. It stops nothing: a profile may be given to cdk. */

const client = clientFor(process.env)
try {
  await signedInRegion(client)
} catch (error) {
  if (!(error instanceof Trouble)) throw error
  console.error(`${error.message} Or give cdk a profile: npm run deploy -- --profile NAME.\n`)
} finally {
  client.destroy()
}
