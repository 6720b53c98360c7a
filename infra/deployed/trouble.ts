import { Trouble } from '../local/trouble.ts'

/** AWS or Seam says no: to who asks, or to what they may do. Asking again does not help. */
export class NotAccepted extends Trouble {}

/** There is nothing of that name to act in. */
export class NoSuchStack extends Trouble {}

const notAccepted = [
  'ExpiredToken',
  'ExpiredTokenException',
  'IncompleteSignature',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
]
const notAllowed = ['AccessDenied', 'AccessDeniedException']

/**
 * What a person can do about a call to AWS that has failed; told by the error's name and status, nothing else of it
 * is shown. `wanted` follows "may not", such as "read the stack"; `permission` is IAM's word for it.
 */
export function awsTrouble(error: unknown, wanted: string, permission: string): Trouble {
  if (error instanceof Trouble) return error
  const name = error instanceof Error ? error.name : 'unknown'
  const status = statusOf(error)
  if (notAccepted.includes(name))
    return new NotAccepted(`AWS does not accept these credentials (${name}). Sign in again, and try again.`)
  if (notAllowed.includes(name))
    return new NotAccepted(`These credentials may not ${wanted}: let them ${permission}.`)
  if (status === undefined)
    return new Trouble(`AWS could not be reached to ${wanted} (${name}). Check the network and the region.`)
  if (status === 429 || status >= 500 || /Throttl/.test(name))
    return new Trouble(`AWS is too busy to ${wanted} (${name}). Try again.`)
  return new NotAccepted(`AWS will not ${wanted} (${name}).`)
}

function statusOf(error: unknown): number | undefined {
  const { $metadata } = error as { $metadata?: { httpStatusCode?: number } }
  return $metadata?.httpStatusCode
}
