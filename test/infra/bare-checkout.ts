import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConfigurationInput } from '../../functions/config.ts'

/** What cdk.json says on a bare checkout; an operator's own stands there in its place. */
export const exampleConfiguration: ConfigurationInput = {
  deployment: 'example',
  issuers: [
    {
      name: 'example',
      issuer: 'https://issuer.example',
      audiences: ['https://api.example'],
      algorithms: ['RS256'],
    },
  ],
  allowedOrigins: ['https://app.example'],
  unknownSubjects: 'reject',
}

/** Does the work in a folder with that cdk.json, so that the operator's own is not read. */
export async function inBareCheckout<T>(work: () => Promise<T>): Promise<T> {
  const [home, folder] = [process.cwd(), await mkdtemp(join(tmpdir(), 'checkout-'))]
  await writeFile(
    join(folder, 'cdk.json'),
    JSON.stringify({ context: { tokenVending: exampleConfiguration } }),
  )
  process.chdir(folder)
  try {
    return await work()
  } finally {
    process.chdir(home)
    await rm(folder, { recursive: true })
  }
}
