import type { JWK } from 'jose'
import { fetchKeySet, KeySetError, type KeySetFault } from '../../../functions/caller/key-set.ts'
import type { Configuration, Issuer } from '../../../functions/config.ts'
import { deadlineIn } from '../../../functions/http/deadline.ts'
import { times } from '../../../functions/times.ts'
import { bad, type Finding, good, look } from './finding.ts'

/** Each issuer's discovery document and keys, asked as the service asks. Plain http to this machine is for the local world. */
export async function issuerFindings({ issuers }: Configuration): Promise<Finding[]> {
  const findings = await Promise.all(issuers.map(oneIssuer))
  return findings.flat()
}

async function oneIssuer(issuer: Issuer): Promise<Finding[]> {
  const what = `issuer ${issuer.name}`
  let theirClock: number | undefined
  const watching: typeof fetch = async (...request) => {
    const response = await fetch(...request)
    theirClock = Date.parse(response.headers.get('date') ?? '')
    return response
  }
  // A person waits longer than a request may.
  const patient = { ...times, keySet: 5 * times.keySet }
  try {
    const deps = { fetch: watching, times: patient, loopback: true }
    const keys = await fetchKeySet(issuer, deps, deadlineIn(patient.keySet, Date.now))
    return [...keysFinding(what, issuer, keys), ...clockFinding(what, issuer, theirClock)]
  } catch (error) {
    if (!(error instanceof KeySetError)) throw error
    const { said, todo } = faults[error.fault]
    return [bad(what, `${issuer.issuer} ${said}`, todo)]
  }
}

function keysFinding(what: string, { algorithms, issuer }: Issuer, keys: JWK[]): Finding[] {
  const usable = keys.filter(
    ({ alg, kty, use }) =>
      use !== 'enc' &&
      (alg === undefined
        ? algorithms.some((one) => kinds[one.slice(0, 2)] === kty)
        : algorithms.includes(alg as never)),
  )
  const published = [...new Set(keys.map(({ alg, kty }) => alg ?? kty))].join(', ') || 'none'
  if (usable.length === 0)
    return [
      bad(
        what,
        `${issuer} has no key for ${algorithms.join(', ')}; it publishes ${published}`,
        'set "algorithms" of this issuer to what signs its tokens',
      ),
    ]
  return [good(what, `${usable.length} of ${keys.length} keys for ${algorithms.join(', ')}`)]
}

const kinds: Record<string, string> = { RS: 'RSA', PS: 'RSA', ES: 'EC', Ed: 'OKP' }

function clockFinding(
  what: string,
  { clockToleranceSeconds }: Issuer,
  theirs: number | undefined,
): Finding[] {
  if (theirs === undefined || Number.isNaN(theirs)) return []
  const seconds = Math.round(Math.abs(Date.now() - theirs) / 1000)
  const apart = `this clock and its are ${seconds} s apart`
  // Their header counts whole seconds.
  if (seconds <= clockToleranceSeconds + 1) return []
  return [
    seconds * 1000 > times.clockSkew
      ? bad(what, apart, 'set this machine’s clock')
      : look(what, apart, 'set this machine’s clock, or raise "clockToleranceSeconds"'),
  ]
}

const check = 'open the address in a browser; "issuer" must be the "iss" of its tokens, to the last slash'

const faults: Record<KeySetFault, { said: string; todo: string }> = {
  plain_address: { said: 'names an address without https', todo: 'set "jwksUri" to its https:// address' },
  timeout: { said: 'did not answer in time', todo: 'check the network, and try again' },
  unreachable: { said: 'cannot be reached', todo: check },
  status: { said: 'has no discovery document or no keys there', todo: `${check}; or set "jwksUri"` },
  too_large: { said: 'answers with far too much', todo: check },
  not_json: { said: 'answers with something that is no JSON', todo: check },
  other_issuer: { said: 'calls itself otherwise in its discovery document', todo: check },
  not_a_key_set: { said: 'publishes no key set', todo: 'set "jwksUri" to the address of its keys' },
}
