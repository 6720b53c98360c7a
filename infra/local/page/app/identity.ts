import type { GetToken } from '../../../../functions/browser/client-session.ts'

/**
 * What an app gets from its identity provider: who is signed in, and a cached token of theirs. In the local world it
 * signs in any user by name.
 */
export function identityClient(issuer: string) {
  let sub = ''
  let cached: string | undefined

  async function fetchToken(claims: Record<string, unknown> = {}): Promise<string> {
    const response = await fetch(`${issuer}/token`, {
      method: 'POST',
      body: JSON.stringify({ sub, ...claims }),
    })
    if (!response.ok) throw new Error(`The identity provider answered ${response.status}.`)
    return (await response.json()).access_token
  }

  const getToken: GetToken = async ({ fresh }) => {
    if (sub === '') return undefined
    if (!fresh && cached !== undefined) return cached
    const mine = sub
    const token = await fetchToken()
    // Somebody else has signed in meanwhile.
    if (mine !== sub) return getToken({ fresh: false })
    cached = token
    return token
  }

  return {
    getToken,
    /** The user who is signed in; empty: nobody. */
    get sub() {
      return sub
    },
    signIn(name: string): void {
      sub = name
      cached = undefined
    },
    /** As if the app had been asleep for hours: the token at hand has expired. */
    async expire(): Promise<void> {
      cached = await fetchToken({ iat: 1, exp: 2 })
    },
  }
}
