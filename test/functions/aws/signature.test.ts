import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { requestSigner } from '../../../functions/aws/signature.ts'

test('signs the example `post-vanilla` of AWS’s own test suite as it is signed there', () => {
  const sign = requestSigner({ region: 'us-east-1', service: 'service' })
  const headers = { host: 'example.amazonaws.com', 'x-amz-date': '20150830T123600Z' }
  const credentials = {
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  }
  expect(sign(headers, '', credentials)).toBe(
    'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
  )
})

test('signs as the SDK does, whatever the day, the key and the body, one after the other', async () => {
  const region = 'eu-central-1'
  const sign = requestSigner({ region, service: 'dynamodb' })
  const oneOf = fc.constantFrom
  const word = fc.stringMatching(/^[A-Za-z0-9/+]{1,40}$/)
  const question = fc.record(
    {
      // Few of each, so that a key is met again after another one.
      at: oneOf('2026-11-24T23:59:59Z', '2026-11-25T00:00:01Z', '2027-01-01T00:00:00Z'),
      secretAccessKey: oneOf('wJalrXUtnFEMI/K7MDENG', 'another', 'päßwörd'),
      sessionToken: word,
      body: fc.string({ unit: 'grapheme' }),
      host: oneOf('dynamodb.eu-central-1.amazonaws.com', 'localhost:8000'),
    },
    { requiredKeys: ['at', 'secretAccessKey', 'body', 'host'] },
  )
  await fc.assert(
    fc.asyncProperty(question, async ({ at, body, host, ...secrets }) => {
      const credentials = { accessKeyId: 'AKIDEXAMPLE', ...secrets }
      const { config } = new DynamoDBClient({ region, credentials })
      const signer = await config.signer()
      const target = { 'x-amz-target': 'DynamoDB_20120810.GetItem' }
      const request = { protocol: 'https:', hostname: host, path: '/', query: {}, method: 'POST', body }
      const bySdk = await signer.sign(
        { ...request, headers: { host, ...target } },
        { signingDate: new Date(at), unsignableHeaders: new Set(['x-amz-content-sha256']) },
      )
      const signed = {
        host,
        'x-amz-date': bySdk.headers['x-amz-date'] ?? '',
        ...(secrets.sessionToken !== undefined && { 'x-amz-security-token': secrets.sessionToken }),
        ...target,
      }
      expect(sign(inOrder(signed), body, credentials)).toBe(bySdk.headers.authorization)
    }),
    { numRuns: 300 },
  )
})

const inOrder = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1)))
