import type { Configuration } from '../../functions/config.ts'

/** What a bare checkout carries: good for synthesis and for nothing else. */
const exampleIssuer = 'https://issuer.example'

/** Why this configuration must not be deployed, or undefined. */
export function exampleIssuerFault({ issuers }: Configuration): string | undefined {
  if (!issuers.some(({ issuer }) => issuer === exampleIssuer)) return undefined
  return `tokenVending.issuers still has the example ${exampleIssuer}; name your own identity provider: npm run init`
}
