import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto'

/** As AWS gives them to a role. */
interface Credentials {
  accessKeyId: string
  secretAccessKey: string
}

export type Sign = ReturnType<typeof requestSigner>

/**
 * Makes what makes the `authorization` of a POST to `/`: AWS Signature Version 4,
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
 */
export function requestSigner({ region, service }: { region: string; service: string }) {
  let kept: { day: string; secret: string; key: KeyObject } | undefined

  /** A signing key is good for a day; to derive it again costs more than a signature. */
  function signingKey(day: string, secret: string): KeyObject {
    if (kept?.day !== day || kept.secret !== secret) {
      const steps = [day, region, service, 'aws4_request']
      const key = steps.reduce((key, step) => keyOf(hmac(key, step).digest()), keyOf(`AWS4${secret}`))
      kept = { day, secret, key }
    }
    return kept.key
  }

  /**
   * `headers`: by their names in lower case, in alphabetical order; all are signed. Among them `host`, `content-type`
   * where there is one, and `x-amz-date` as `20261125T072100Z`.
   */
  return function sign(headers: Record<string, string>, body: string, credentials: Credentials): string {
    const { accessKeyId, secretAccessKey } = credentials
    const time = headers['x-amz-date'] ?? ''
    const day = time.slice(0, 8)
    const scope = `${day}/${region}/${service}/aws4_request`
    const signed = Object.keys(headers).join(';')
    const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`)
    const canonical = `POST\n/\n\n${lines.join('')}\n${signed}\n${sha256(body)}`
    const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(canonical)}`
    const signature = hmac(signingKey(day, secretAccessKey), text).digest('hex')
    return `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`
  }
}

const sha256 = (text: string) => hash('sha256', text, 'hex')
const hmac = (key: KeyObject, text: string) => createHmac('sha256', key).update(text)
// Given bytes, Node 24 takes them for a key object first, and finds out by two exceptions: a tenth of a vend's CPU.
const keyOf = (secret: string | Buffer) =>
  typeof secret === 'string' ? createSecretKey(secret, 'utf8') : createSecretKey(secret)
