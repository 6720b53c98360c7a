import { expect, test } from 'vitest'
import { type Caller, callerVerifier } from '../../../functions/caller/caller.ts'
import { keyFinder } from '../../../functions/caller/keys.ts'
import type { Issuer } from '../../../functions/config.ts'
import { deadlineIn } from '../../../functions/http/deadline.ts'
import { Problem } from '../../../functions/http/problem.ts'
import { times } from '../../../functions/times.ts'

/** The examples that RFC 7515 prints: keys and signatures that nobody here has made. */

/** RFC 7515 appendix A.1: `{"iss":"joe", "exp":1300819380, "http://example.com/is_root":true}`, line ends included. */
const payload =
  'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ'
const endsAt = 1_300_819_380 // Seconds.

const rs256 = {
  token: `eyJhbGciOiJSUzI1NiJ9.${payload}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw`,
  key: {
    kty: 'RSA',
    n: 'ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ',
    e: 'AQAB',
  },
}
const es256 = {
  token: `eyJhbGciOiJFUzI1NiJ9.${payload}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q`,
  key: {
    kty: 'EC',
    crv: 'P-256',
    x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
    y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
  },
}

/** An issuer whose tokens name nobody but their issuer: nothing a configuration would let through, but what is printed. */
const joe: Issuer = {
  name: 'joe',
  issuer: 'joe',
  audiences: ['joe'],
  audienceClaim: '/iss',
  subjectClaim: '/iss',
  authTimeClaim: '/auth_time',
  acrClaim: '/acr',
  algorithms: ['RS256', 'ES256'],
  clockToleranceSeconds: 0,
  claimRules: [],
}

function verify(token: string, keys: object[], at = endsAt - 1): Promise<Caller> {
  const clock = () => at * 1000
  const store = {
    readKeySet: async () => ({ issuer: 'joe', keys, fetched_at: at * 1000 }),
    writeKeySet: async () => {},
  }
  const nothing = () => Promise.reject(new Error('nobody is asked'))
  const findKeys = keyFinder({ store: store as never, fetch: nothing, clock, times })
  const verifyCaller = callerVerifier({ issuers: [joe], findKeys, clock })
  return verifyCaller(
    `Bearer ${token}`,
    deadlineIn(60_000, () => 0),
  )
}

const refused = (verified: Promise<Caller>) =>
  verified.then(
    () => 'accepted',
    (error: unknown) => (error instanceof Problem ? error.code : String(error)),
  )

test.each([
  ['A.2, RS256', rs256],
  ['A.3, ES256', es256],
])('RFC 7515 %s is good until it expires, and with its own key alone', async (_, { token, key }) => {
  expect(await verify(token, [rs256.key, es256.key])).toMatchObject({ iss: 'joe', sub: 'joe' })
  expect(await refused(verify(token, [key], endsAt))).toBe('invalid_token')
  const other = key === rs256.key ? es256.key : rs256.key
  expect(await refused(verify(token, [other]))).toBe('invalid_token')
})

test.each([
  ['A.2, RS256', rs256],
  ['A.3, ES256', es256],
])('RFC 7515 %s is refused whichever of its characters is another', async (_, { token, key }) => {
  const accepted: number[] = []
  for (const [at, character] of [...token].entries()) {
    const changed = `${token.slice(0, at)}${character === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
    if ((await refused(verify(changed, [key]))) !== 'invalid_token') accepted.push(at)
  }
  expect(accepted).toEqual([])
})

test.each([
  [
    'A.1, HS256',
    `eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.${payload}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk`,
  ],
  ['A.5, without a signature', `eyJhbGciOiJub25lIn0.${payload}.`],
])('RFC 7515 %s is refused', async (_, token) => {
  const shared = {
    kty: 'oct',
    k: 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
  }
  expect(await refused(verify(token, [shared, rs256.key, es256.key]))).toBe('invalid_token')
})

test('a key that says it is for encryption (RFC 7517 §4.2) verifies nothing', async () => {
  expect(await refused(verify(es256.token, [{ ...es256.key, use: 'enc' }]))).toBe('invalid_token')
  expect(await verify(es256.token, [{ ...es256.key, use: 'sig' }])).toMatchObject({ sub: 'joe' })
})
