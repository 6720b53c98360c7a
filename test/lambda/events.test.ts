import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Deployment, deploy } from './deployment.ts'
import type { LambdaFunction } from './lambda-function.ts'

/** What somebody else may invoke a function with: no crash, no effect. */

let stack: Deployment
beforeAll(async () => {
  stack = await deploy()
  stack.storeSecret('SeamApiKey', stack.seam.apiKey)
})
afterAll(() => stack?.close())

const of = (name: string): LambdaFunction => {
  const found = stack.functions[name]
  if (found === undefined) throw new Error(`no function ${name}`)
  return found
}

const strange: [string, unknown][] = [
  ['the console’s test event', { key1: 'value1', key2: 'value2', key3: 'value3' }],
  ['nothing', null],
  ['an empty object', {}],
  ['a text', 'warm up'],
  ['a list', [1, 2]],
  ['an event of another source', { source: 'aws.s3', 'detail-type': 'Object Created' }],
  ['a queue’s messages', { Records: [{ messageId: '1', body: '{}', eventSource: 'aws:sqs' }] }],
  ['a REST API’s request', { httpMethod: 'POST', path: '/client-session', headers: {}, requestContext: {} }],
  ['half a request', { version: '2.0', rawPath: '/client-session', requestContext: null, headers: {} }],
  [
    'a request without headers',
    { rawPath: '/healthz', requestContext: { requestId: 'r', domainName: 'd', http: { method: 'GET' } } },
  ],
  ['a source that is no text', { source: ['warmer'] }],
]
const warmers = ['aws.events', 'serverless-plugin-warmup', 'warmer'].map((source) => ({ source, other: 1 }))

describe.each(['vend', 'connect', 'webhook'])('the %s function as it is deployed', (name) => {
  it.each(strange)('answers %s with a problem, and with a line in its log', async (_, event) => {
    const outcome = await of(name).invoke(event)
    expect(outcome).toMatchObject({
      value: { statusCode: 400, headers: { 'content-type': 'application/problem+json' } },
    })
    const { body } = (outcome as { value: { body: string } }).value
    const problem = JSON.parse(body)
    expect(problem).toMatchObject({
      status: 400,
      code: 'invalid_request',
      action: 'fix_request',
      request_id: expect.stringMatching(/^[\w-]{36}$/),
    })
    expect(JSON.parse(of(name).log.at(-1) ?? '')).toEqual({
      what: 'request',
      request_id: problem.request_id,
      status: 400,
      code: 'invalid_request',
      reason: 'not_http',
    })
  })

  it.each(warmers)('is kept warm by $source, without a line', async (event) => {
    const lines = of(name).log.length
    expect(await of(name).invoke(event)).toEqual({ value: { ok: true } })
    expect(of(name).log.length).toBe(lines)
  })
})

describe('the admin function as it is deployed', () => {
  it.each(strange)('answers %s with a problem', async (_, event) => {
    expect(await of('admin').invoke(event)).toMatchObject({
      value: { problem: { code: 'invalid_request', action: 'fix_request' } },
    })
  })

  it.each(warmers)('is kept warm by $source', async (event) => {
    expect(await of('admin').invoke(event)).toEqual({ value: { ok: true } })
  })
})

describe('the cleanup function as it is deployed', () => {
  const runs = () => of('cleanup').log.filter((line) => line.includes('"what":"cleanup"')).length

  it('fails on what it does not know, where the alarms see it, and cleans up for nobody who keeps it warm', async () => {
    for (const [name, event] of strange.filter(([, event]) => JSON.stringify(event) !== '{}'))
      expect(await of('cleanup').invoke(event), name).toMatchObject({ errorType: 'Error' })
    for (const event of warmers) expect(await of('cleanup').invoke(event)).toEqual({ value: { ok: true } })
    expect(runs()).toBe(0)
  })
})

describe('an API key secret of the wrong form', () => {
  it('is an outage of the secrets with a wait, and Seam is not called', async () => {
    const key = stack.seam.apiKey
    stack.storeSecret('SeamApiKey', JSON.stringify({ key }))
    const counts = { ...stack.seam.counts }
    const { status, body, headers } = await stack.ask('wrong-form')
    expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'upstream_unavailable', '5'])
    const audit = of('vend')
      .log.map((line) => JSON.parse(line))
      .at(-1)
    expect(audit).toMatchObject({ dependency: 'secrets', reason: 'api_key_of_wrong_form', status: 503 })
    expect(stack.seam.counts).toEqual(counts)
    expect(JSON.stringify(of('vend').log)).not.toContain(key)
    stack.storeSecret('SeamApiKey', `${key}\n`)
    await Promise.all(of('vend').environments.map((environment) => environment.kill()))
    expect((await stack.ask('right-form')).status).toBe(201)
  })
})
