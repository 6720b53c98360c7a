/**
 * What DynamoDB and Secrets Manager speak is JSON (Smithy's awsJson 1.0 and 1.1), and what their clients take and give
 * is the same objects, but for bytes and dates, of which we neither send nor read any. So these stand in for the SDK's
 * protocols, which translate each member of each object by a schema: a fifth of what a read costs, and much to load.
 * The bundler puts this text in the place of their index, where the import leads to its neighbours.
 */
import { HttpRequest } from '@smithy/core/transport'

class AwsJsonProtocol {
  constructor({ serviceTarget }) {
    this.serviceTarget = serviceTarget
  }

  setSerdeContext() {}

  async serializeRequest({ name }, input, { endpoint }) {
    return new HttpRequest({
      ...(await endpoint()),
      method: 'POST',
      headers: { 'content-type': this.contentType, 'x-amz-target': `${this.serviceTarget}.${name}` },
      body: JSON.stringify(input),
    })
  }

  async deserializeResponse(_operation, _context, { statusCode, headers, body }) {
    const output = parse(await textOf(body), statusCode)
    const $metadata = { httpStatusCode: statusCode, requestId: headers['x-amzn-requestid'] }
    if (statusCode < 300) return { ...output, $metadata }
    // A name may come with a namespace before it, and with an address after it.
    const name = /[^#:]+(?=:|$)/.exec(headers['x-amzn-errortype'] ?? output.__type ?? 'Unknown')?.[0]
    const $fault = statusCode < 500 ? 'client' : 'server'
    throw Object.assign(new Error(output.message ?? output.Message), output, { name, $fault, $metadata })
  }
}

export class AwsJson1_0Protocol extends AwsJsonProtocol {
  contentType = 'application/x-amz-json-1.0'
}
export class AwsJson1_1Protocol extends AwsJsonProtocol {
  contentType = 'application/x-amz-json-1.1'
}

/** Whoever stands between may answer an error with a page of its own. */
function parse(text, statusCode) {
  try {
    return JSON.parse(text || '{}')
  } catch (error) {
    if (statusCode >= 300) return {}
    throw error
  }
}

function textOf(body) {
  return new Promise((resolve, reject) => {
    let text = ''
    body.setEncoding('utf8')
    body.on('data', (part) => {
      text += part
    })
    body.on('end', () => resolve(text))
    body.on('error', reject)
  })
}
