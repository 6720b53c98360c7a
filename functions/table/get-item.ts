import type { ClientRequest } from 'node:http'
import { type Agent, request } from 'node:https'
import type { DynamoDBClient, GetItemCommandInput } from '@aws-sdk/client-dynamodb'
import { requestSigner } from './signature.ts'
import type { Item } from './user-item.ts'

/** What was read; `Item` is absent where there is none. */
export interface Got {
  Item?: Item
}

/** Undefined: nothing can be said, ask the SDK. */
export type GetItem = (input: GetItemCommandInput) => Promise<Got | undefined>

/**
 * DynamoDB's GetItem, asked for once and without the SDK. Nearly every vend is one read, and what the SDK does between
 * its caller and the socket costs more CPU than to verify a token (`npm run bench`).
 *
 * What is not answered plainly and soon is left to the SDK, with its repetitions and its words for what went wrong: no
 * error comes from here. Credentials, region and endpoint are the client's; where it has no fixed endpoint, as outside
 * of Lambda, the SDK does it all.
 */
export function itemGetter(options: {
  client: DynamoDBClient
  /** The client's own: a write finds the connection that a read has made. */
  agent: Agent
  clock: () => number
  /** Milliseconds, from the call to the last byte of the answer. */
  patience: number
}): GetItem {
  const { client, agent, clock, patience } = options
  let table: ReturnType<typeof tableOf> | undefined

  return async function getItem(input) {
    try {
      table ??= tableOf(client, agent)
      const to = await table
      if (to === undefined) return undefined
      const credentials = await client.config.credentials()
      const body = JSON.stringify(input)
      const signed = {
        'content-type': 'application/x-amz-json-1.0',
        host: to.host,
        'x-amz-date': new Date(clock()).toISOString().replace(/[-:]|\.\d{3}/g, ''),
        ...(credentials.sessionToken !== undefined && { 'x-amz-security-token': credentials.sessionToken }),
        'x-amz-target': 'DynamoDB_20120810.GetItem',
      }
      const headers = { ...signed, authorization: to.sign(signed, body, credentials) }
      return await answerTo(to.request({ ...to.options, headers }), body, patience)
    } catch {
      // Credentials that cannot be had, for one: the SDK asks for them too, and tells.
      return undefined
    }
  }
}

function answerTo(sent: ClientRequest, body: string, patience: number): Promise<Got | undefined> {
  return new Promise((resolve) => {
    const late = setTimeout(() => {
      sent.destroy()
      // Of its end, a request that waits for a connection would be told when it has one.
      resolve(undefined)
    }, patience)
    sent.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
      })
      response.on('end', () => resolve(response.statusCode === 200 ? parse(text) : undefined))
    })
    sent.on('error', () => {})
    sent.on('close', () => {
      clearTimeout(late)
      resolve(undefined)
    })
    sent.end(body)
  })
}

/** Where it is, and how it is asked. */
async function tableOf({ config }: DynamoDBClient, agent: Agent) {
  const endpoint = await config.endpoint?.()
  if (endpoint === undefined) return undefined
  const { protocol, hostname, port } = endpoint
  const to = { host: hostname, port, path: '/', method: 'POST' }
  return {
    host: port === undefined ? hostname : `${hostname}:${port}`,
    sign: requestSigner({ region: await config.region(), service: 'dynamodb' }),
    ...(protocol === 'https:'
      ? { request, options: { ...to, agent } }
      : // A local engine. To import this module would load undici.
        { request: process.getBuiltinModule('node:http').request, options: to }),
  }
}

function parse(text: string): Got | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
