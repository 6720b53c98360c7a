import type { JWK } from 'jose'
import { type KeyFault, keyFaults } from '../../../functions/caller/claims.ts'
import { faultIn, usableKey } from '../../../functions/caller/key-match.ts'
import { discover, fetchKeySet, KeySetError } from '../../../functions/caller/key-set.ts'
import type { Configuration, Issuer } from '../../../functions/config.ts'
import { deadlineIn } from '../../../functions/http/deadline.ts'
import { keySetFaults } from '../../../functions/operator/fault.ts'
import { times } from '../../../functions/times.ts'
import { bad, type Finding, good, look } from './finding.ts'

/** Each issuer's discovery document and keys, asked as the service asks. Plain http to this machine is for the local world. */
export async function issuerFindings({ issuers }: Configuration): Promise<Finding[]> {
  return (await Promise.all(issuers.map(oneIssuer))).flat()
}

async function oneIssuer(issuer: Issuer): Promise<Finding[]> {
  const what = `issuer ${issuer.name}`
  try {
    // As long as a request waits, and no longer.
    const deps = { fetch, times, loopback: true }
    const deadline = deadlineIn(2 * times.keySet, Date.now)
    const address = issuer.jwksUri ?? (await discover(deps, issuer.issuer, deadline))
    const keys = await fetchKeySet(deps, address, deadline)
    return await keysFindings(what, issuer, keys)
  } catch (error) {
    if (!(error instanceof KeySetError)) throw error
    const { said, todo } = keySetFaults[error.fault]
    const target = error.target === undefined ? '' : `: ${error.target}`
    return [bad(what, `${issuer.issuer} ${said}${target}`, todo)]
  }
}

/** Asks the key finder's own matcher, key by key: what it says of a key, a vend says too. */
async function keysFindings(what: string, { algorithms, issuer }: Issuer, keys: JWK[]): Promise<Finding[]> {
  const found = await Promise.all(
    keys.map(async (jwk) => faultIn(await Promise.all(algorithms.map((alg) => usableKey(jwk, alg))))),
  )
  const usable = found.filter((fault) => fault === undefined).length
  const faulty = keys.flatMap((jwk, index) => faultOf(jwk, found[index]))
  const wanted = algorithms.join(', ')
  const replace = 'have the identity provider replace it: tokens signed with it are refused'
  if (usable > 0)
    return [
      good(what, `${usable} of ${keys.length} keys for ${wanted}`),
      ...(faulty.length > 0 ? [look(what, faulty.join('; '), replace)] : []),
    ]
  if (faulty.length > 0)
    return [bad(what, `${issuer} has no usable key for ${wanted}: ${faulty.join('; ')}`, replace)]
  const published = [...new Set(keys.map(({ alg, kty }) => alg ?? kty))].join(', ') || 'none'
  const todo = 'set "algorithms" of this issuer to what signs its tokens'
  return [bad(what, `${issuer} has no key for ${wanted}; it publishes ${published}`, todo)]
}

/** A key for encryption or of another algorithm is nothing to be told of. */
function faultOf({ kid, use }: JWK, fault: KeyFault | undefined): string[] {
  if (fault === undefined || fault === 'key_of_another_algorithm' || use === 'enc') return []
  return [`the key ${kid === undefined ? 'without a kid' : JSON.stringify(kid)} ${keyFaults[fault]}`]
}
