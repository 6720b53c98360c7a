import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isSafeAddress, originFault } from '../../../functions/http/addresses.ts'

const runs = process.env.LONG === '1' ? 100_000 : 3_000

const letters = [...'abcdefghijklmnopqrstuvwxyz0123456789']
const label = fc
  .tuple(
    fc.constantFrom(...letters.slice(0, 26)),
    fc.string({ unit: fc.constantFrom(...letters, '-'), maxLength: 20 }),
    fc.constantFrom(...letters),
  )
  .map((parts) => parts.join(''))
  // `xn--` is Punycode, which `URL` checks as such.
  .filter((text) => !text.includes('--'))
const host = fc.oneof(
  fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.')),
  fc.ipV4(),
  fc.ipV6().map((address) => URL.parse(`https://[${address}]`)?.hostname ?? ''),
  fc.constantFrom('xn--mnchen-3ya.example', 'localhost', 'app.example'),
)
const port = fc.option(fc.integer({ min: 1, max: 65_535 }).filter((number) => number !== 443))
const origin = fc
  .tuple(host, port)
  .map(([name, number]) => `https://${name}${number === null ? '' : `:${number}`}`)

/** What a browser may send in `Origin` and API Gateway takes for one origin: written down a second time, from the RFCs. */
const exact =
  /^https?:\/\/(\[[0-9a-f:]+\]|(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*)(:[1-9]\d{0,4})?$/

describe('an origin', () => {
  test('of a DNS name or an IP address, with or without a port, is accepted', () => {
    fc.assert(
      fc.property(origin, (value) => originFault(value) === undefined),
      { numRuns: runs },
    )
  })

  test('in any odd spelling is refused, and what is accepted is what a browser sends', () => {
    const odd = fc.constantFrom(
      ...[
        '*',
        '*.',
        '.*',
        '%2a',
        '%',
        '@',
        'user@',
        'user:password@',
        ':',
        ':443',
        ':0',
        ':00443',
        '.',
        '..',
      ],
      ...[
        '_',
        '-',
        '\\',
        '/',
        '//',
        '?',
        '?a=b',
        '#',
        ' ',
        '\t',
        '\n',
        '\u0000',
        '\u00ad',
        'ü',
        '。',
        'A',
        ',',
      ],
      ...[
        '[',
        ']',
        '[::1]',
        '0x7f.1',
        'xn--',
        'null',
        'https://',
        'http://',
        '$',
        '{',
        '}',
        '~',
        '|',
        '^',
        '"',
      ],
    )
    const inserted = fc.tuple(origin, odd, fc.nat()).map(([value, text, at]) => {
      const place = at % (value.length + 1)
      return value.slice(0, place) + text + value.slice(place)
    })
    fc.assert(
      fc.property(fc.oneof(inserted, fc.string(), fc.webUrl()), (value) => {
        const fault = originFault(value)
        if (fault !== undefined) return fault.length > 0
        return exact.test(value) && URL.parse(value)?.origin === value
      }),
      { numRuns: runs },
    )
  })

  test.each([
    'https://*',
    'https://*.acme.app',
    'https://app.*',
    'https://app.*.example',
    'https://*:8443',
    'http://*',
    '*',
    'https://%2a.acme.app',
    'https://＊.acme.app',
    'null',
    '',
    'app.example',
    'https://',
    'https://app.example/',
    'https://app.example/login',
    'https://app.example?',
    'https://app.example#',
    'https://app.example.',
    'https://app..example',
    'https://.app.example',
    'https://my_app.example',
    'https://-app.example',
    'https://app-.example',
    `https://${'a'.repeat(64)}.example`,
    `https://${'a.'.repeat(130)}example`,
    'https://ada@app.example',
    'https://app.example@evil.example',
    'https://app.example:443',
    'https://app.example:0',
    'https://app.example:65536',
    'https://app.example:8443:8443',
    'https://APP.example',
    'HTTPS://app.example',
    'https://münchen.example',
    'https://[2001:DB8::1]',
    'https://[2001:db8::1',
    'https://2001:db8::1',
    'https://[::ffff:192.0.2.1]',
    'https://127.1',
    'https://0x7f000001',
    'https://1.2.3.4.5',
    'https://app.example, https://evil.example',
    'https://app.example https://evil.example',
    ' https://app.example',
    'https://app.example\n',
    'http://app.example',
    'http://127.0.0.1.evil.example',
    'http://localhost.evil.example',
    'http://localhost@evil.example',
    'http://0.0.0.0:3000',
    'blob:https://app.example',
    'view-source:https://app.example',
  ])('%j is refused with what to write', (value) => {
    expect(originFault(value)).toMatch(/^give an exact origin such as "https?:\/\/[^"]+" \(/)
  })

  test.each(['capacitor://localhost', 'ionic://localhost', 'tauri://localhost', 'file://', 'app://-'])(
    '%s names the way round',
    (value) => {
      expect(originFault(value)).toContain('list "https://localhost"')
      expect(originFault('https://localhost')).toBeUndefined()
    },
  )

  test.each([
    ['https://app.example/', 'https://app.example'],
    ['HTTPS://App.example:443/login?next=1', 'https://app.example'],
    ['https://münchen.example', 'https://xn--mnchen-3ya.example'],
    ['https://[2001:DB8:0::1]', 'https://[2001:db8::1]'],
    ['http://LOCALHOST:5173/', 'http://localhost:5173'],
  ])('%s is one of %s, which the sentence says', (value, meant) => {
    expect(originFault(value)).toContain(`give an exact origin such as "${meant}" (`)
    expect(originFault(meant)).toBeUndefined()
  })

  test.each(['http://localhost:5173', 'http://127.0.0.1', 'http://[::1]:3000', 'https://192.0.2.1:8443'])(
    '%s is accepted',
    (value) => expect(originFault(value)).toBeUndefined(),
  )
})

test.each([
  ['https://id.example/realms/one', true],
  ['http://127.0.0.1:4800/', true],
  ['https://*.getseam.com', false],
  ['https://:secret@connect.getseam.com', false],
  ['https://id.example/?a', false],
  ['http://id.example', false],
  ['ftp://id.example', false],
])('the address %s is safe: %s', (address, isSafe) => {
  expect(isSafeAddress(address)).toBe(isSafe)
})
