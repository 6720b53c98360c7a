/** The request for a client session token, as anybody with a shell sends it. `token`: absent for a user of the local identity provider. */
export function curlFor(api: string, issuer: string, sub: string, token?: string): string {
  const sign = `$(curl -sS -H accept:text/plain -d '${JSON.stringify({ sub })}' ${issuer}/token)`
  return `curl -sS -X POST ${api}/client-session \\\n  -H "authorization: Bearer ${token ?? sign}"`
}
