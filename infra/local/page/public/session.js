/**
 * What an app does in a browser: sign in, exchange the identity provider's token for a client session token.
 * The one that this service ships for it does more; here it is in full view.
 */

/** The token of a signed-in user, from the identity provider. In the local world it signs in anybody. */
async function signIn(issuer, sub) {
  const response = await fetch(`${issuer}/token`, { method: 'POST', body: JSON.stringify({ sub }) })
  if (!response.ok) throw new Error(`The identity provider answered ${response.status}.`)
  return (await response.json()).access_token
}

/** @returns {Promise<{ status: number, token: string, client_session_id: string, endpoint: string, refresh_in: number }>} */
export async function fetchClientSession({ api, issuer }, sub) {
  const response = await fetch(`${api}/client-session`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await signIn(issuer, sub)}` },
  })
  const body = await response.json()
  if (!response.ok) throw new Error(`${body.title} (${body.code}, request ${body.request_id})`)
  return { status: response.status, ...body }
}
