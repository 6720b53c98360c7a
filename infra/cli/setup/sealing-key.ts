import { randomBytes } from 'node:crypto'
import { sealingKeysFrom } from '../../../functions/session/seal.ts'
import type { Secrets } from '../aws/secrets.ts'
import { Refused } from '../errors.ts'

/**
 * Replaces the key that seals client session tokens in the table. In two steps, with the time between in which every
 * function has read the secret anew: first the new key is one that opens, then it is the one that seals. So at no
 * moment is a token sealed with a key that another function does not have. Cut short in between, it has done no harm.
 * @throws CliError
 */
export async function rotateSealingKey(
  secrets: Secrets,
  everyFunctionHasReadIt: () => Promise<void>,
): Promise<void> {
  const old = currentKey(await secrets.read('SealingKeySecret'))
  const fresh = randomBytes(48).toString('base64url')
  const put = (current: string, previous: string) =>
    secrets.write('SealingKeySecret', JSON.stringify({ current, previous }))

  await put(old, fresh)
  await everyFunctionHasReadIt()
  await put(fresh, old)
}

function currentKey(secret = ''): string {
  try {
    sealingKeysFrom(secret)
    return JSON.parse(secret).current
  } catch {
    throw new Refused(
      'The stored sealing key is none: the stack makes it as {"current": "…"}. Nothing was changed.',
    )
  }
}
