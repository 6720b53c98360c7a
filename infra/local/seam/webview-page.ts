import { timingSafeEqual } from 'node:crypto'
import type { ConnectWebview } from '@seamapi/types/connect'
import type { Context } from 'hono'
import { html } from 'hono/html'
import * as z from 'zod/v4-mini'
import { complete, fail, webviewOf } from './connect-webviews.ts'
import { route } from './route.ts'
import type { Seam } from './state.ts'
import { found } from './wire.ts'

const visit = z.object({ connect_webview_id: z.string(), auth_token: z.string() })
const deed = z.extend(visit, {
  deed: z.enum(['log_in', 'fail']),
  provider: z.optional(z.string()),
  email: z.optional(z.string().check(z.maxLength(200))),
})

/** The page behind a Connect Webview's `url`, in place of a provider's login: a person completes it, or lets it fail. */
export const webviewPageRoutes = [
  route('/connect_webviews/view', 'nobody', visit, (seam, body, { c }) => page(c, visited(seam, body)), [
    'GET',
  ]),
  route('/connect_webviews/view', 'nobody', deed, (seam, body, { c }) => {
    const webview = visited(seam, body)
    if (body.deed === 'fail') fail(seam, webview.connect_webview_id)
    else complete(seam, webview.connect_webview_id, body)
    const { custom_redirect_url: success, custom_redirect_failure_url: failure } = webview
    const next = body.deed === 'fail' ? (failure ?? success) : success
    return next === null ? page(c, webview) : c.redirect(next, 303)
  }),
]

/** @throws Refusal unless the visitor has its whole address */
function visited(seam: Seam, { connect_webview_id, auth_token }: z.infer<typeof visit>): ConnectWebview {
  const webview = webviewOf(seam, connect_webview_id)
  const expected = Buffer.from(authTokenOf(webview))
  const given = Buffer.from(auth_token)
  const knows = given.length === expected.length && timingSafeEqual(given, expected)
  return found(knows ? webview : undefined, 'connect_webview')
}

const authTokenOf = ({ url }: ConnectWebview) => new URL(url).searchParams.get('auth_token') ?? ''

const form = (webview: ConnectWebview) => html`
${webview.status === 'failed' ? html`<p class="bad">The login has failed. Try again.</p>` : ''}
<form method="post" action="/connect_webviews/view">
  <input type="hidden" name="connect_webview_id" value="${webview.connect_webview_id}">
  <input type="hidden" name="auth_token" value="${authTokenOf(webview)}">
  <label>Provider
    <select name="provider">${webview.accepted_providers.map((one) => html`<option>${one}</option>`)}</select>
  </label>
  <label>E-mail address of the account there
    <input name="email" type="email" placeholder="left empty: a new one" autocomplete="off">
  </label>
  <button name="deed" value="log_in">Log in</button>
  <button name="deed" value="fail">Let the login fail</button>
</form>`

function page(c: Context, webview: ConnectWebview): Response | Promise<Response> {
  // The redirect after the form counts as a form's target too.
  const targets = [webview.custom_redirect_url, webview.custom_redirect_failure_url].flatMap((next) =>
    next === null ? [] : new URL(next).origin,
  )
  const headers = {
    'cache-control': 'no-store',
    // The form tells its origin to this server, and nobody learns the token in the address.
    'referrer-policy': 'same-origin',
    'content-security-policy': `default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self' ${targets.join(' ')}`,
  }
  const done = html`<p class="good">Connected. You may close this page.</p>`
  return c.html(
    html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Connect an account</title>
<style>
  body { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; max-width: 24rem; margin: 10vh auto }
  form, label { display: grid; gap: .5rem }
  input, select, button { font: inherit; padding: .5rem .75rem }
  .good { color: #15803d } .bad { color: #b91c1c }
</style>
<h1>Connect an account</h1>
<p><small>The local Seam's Connect Webview: no provider is asked, no password is needed.</small></p>
${webview.status === 'authorized' ? done : form(webview)}
</html>
`,
    200,
    headers,
  )
}
