import { randomBytes } from 'node:crypto'
import { Webhook } from 'svix'
import { describe, expect, test } from 'vitest'
import { signatureFault, webhookKeysFrom } from '../../../functions/connecting/signature.ts'
import { Problem } from '../../../functions/http/problem.ts'

const newSecret = (bytes = 24) => `whsec_${randomBytes(bytes).toString('base64')}`
const keysOf = (...secrets: string[]) => webhookKeysFrom(JSON.stringify(secrets))

const secret = newSecret()
const now = 1_800_000_000_000
const id = 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W'
const body = '{"event_type":"connected_account.created","emoji":"🔑"}'

/** As Svix's own library signs it. */
const signed = (changes: Record<string, string | undefined> = {}, { at = now, by = [secret] } = {}) => ({
  'svix-id': id,
  'svix-timestamp': String(Math.floor(at / 1000)),
  'svix-signature': by.map((one) => new Webhook(one).sign(id, new Date(at), body)).join(' '),
  ...changes,
})
const faultOf = (headers: Record<string, string | undefined>, { text = body, keys = keysOf(secret) } = {}) =>
  signatureFault(keys, { header: (name) => headers[name], body: Buffer.from(text) }, now)

test('believes what Svix has signed, for every length of secret', () => {
  for (const bytes of [16, 17, 18, 24, 32, 64]) {
    const other = newSecret(bytes)
    expect(faultOf(signed({}, { by: [other] }), { keys: keysOf(other) })).toBeUndefined()
  }
})

test('believes several secrets and several signatures, so that either side can rotate first', () => {
  const [old, next] = [newSecret(), newSecret()]
  expect(faultOf(signed({}, { by: [next, old] }), { keys: keysOf(old) })).toBeUndefined()
  expect(faultOf(signed({}, { by: [old] }), { keys: keysOf(next, old) })).toBeUndefined()
  expect(faultOf(signed({}, { by: [old] }), { keys: keysOf(next) })).toBe('signature')
})

test('knows the headers by the names of the standard as well', () => {
  const renamed = Object.entries(signed()).map(([name, value]) => [name.replace('svix-', 'webhook-'), value])
  expect(faultOf(Object.fromEntries(renamed))).toBeUndefined()
})

test('allows five minutes between the clocks, to the second', () => {
  const at = (seconds: number) => faultOf(signed({}, { at: now + seconds * 1000 }))
  expect([-301, -300, 300, 301].map(at)).toEqual(['too_old', undefined, undefined, 'too_new'])
})

const good = signed()['svix-signature']
describe.each<[string, Record<string, string | undefined>, string]>([
  ['no id', { 'svix-id': undefined }, 'unsigned'],
  ['an id with a dot', { 'svix-id': `${id}.${now / 1000}` }, 'unsigned'],
  ['an empty id', { 'svix-id': '' }, 'unsigned'],
  ['no timestamp', { 'svix-timestamp': undefined }, 'unsigned'],
  ['a timestamp with more behind it', { 'svix-timestamp': `${now / 1000}x` }, 'unsigned'],
  ['a timestamp that is a fraction', { 'svix-timestamp': `${now / 1000}.5` }, 'unsigned'],
  ['a negative timestamp', { 'svix-timestamp': '-5' }, 'unsigned'],
  ['no signature', { 'svix-signature': undefined }, 'unsigned'],
  ['an empty signature', { 'svix-signature': 'v1,' }, 'signature'],
  ['another id', { 'svix-id': 'msg_another' }, 'signature'],
  ['another timestamp', { 'svix-timestamp': String(now / 1000 + 1) }, 'signature'],
  ['another version', { 'svix-signature': good.replace('v1,', 'v2,') }, 'signature'],
  ['no version', { 'svix-signature': good.replace('v1,', '') }, 'signature'],
  ['a shortened signature', { 'svix-signature': good.slice(0, -4) }, 'signature'],
  ['a signature of other case', { 'svix-signature': `v1,${good.slice(3).toLowerCase()}` }, 'signature'],
  ['the right one after many wrong', { 'svix-signature': `${'v1,x '.repeat(100)}${good}` }, 'signature'],
])('%s', (_, changes, fault) => {
  test(`is refused as ${fault}`, () => {
    expect(faultOf(signed(changes))).toBe(fault)
  })
})

test('a changed body is refused, be it by one character or by its end', () => {
  for (const text of [body.replace('created', 'deleted'), body.slice(0, -1), `${body} `, ''])
    expect(faultOf(signed(), { text })).toBe('signature')
})

test('the bytes are what is signed: what cannot be read as text is compared all the same', () => {
  const bytes = Buffer.from([0xff, 0xfe, 0x7b])
  const headers: Record<string, string> = signed()
  const fault = signatureFault(keysOf(secret), { header: (name) => headers[name], body: bytes }, now)
  expect(fault).toBe('signature')
})

test.each([
  ['nothing', ''],
  ['no secret', '[]'],
  ['another form', '{"current":"whsec_"}'],
  ['no list', newSecret()],
  ['an empty secret', '["whsec_"]'],
  ['a short secret', JSON.stringify([newSecret(), newSecret(8)])],
  ['a secret without its prefix', JSON.stringify([newSecret().slice('whsec_'.length)])],
  ['no base64', '["whsec_!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!"]'],
  ['null', '[null]'],
])('%s in the place of secrets is an outage', (_, value) => {
  const attempt = () => webhookKeysFrom(value)
  expect(attempt).toThrow(Problem)
  expect(attempt).toThrow('webhook_secrets_are_no_list_of_whsec')
})
