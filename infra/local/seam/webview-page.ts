import { timingSafeEqual } from 'node:crypto'
import type { ConnectWebview } from '@seamapi/types/connect'
import * as z from 'zod/v4-mini'
import type { ConnectWebviewStore } from './connect-webviews.ts'
import { type Answer, type Call, checked, Refusal } from './wire.ts'

const visit = z.object({ connect_webview_id: z.string(), auth_token: z.string() })
const deed = z.object({
  ...visit.shape,
  deed: z.enum(['log_in', 'fail']),
  provider: z.optional(z.string()),
  email: z.optional(z.string().check(z.maxLength(200))),
})

/** The page behind a Connect Webview's `url`, in place of a provider's login: a person completes it, or lets it fail. */
export const webviewPages = (store: ConnectWebviewStore) => {
  const visited = ({ connect_webview_id, auth_token }: z.infer<typeof visit>): ConnectWebview => {
    const webview = store.named(connect_webview_id)
    const expected = Buffer.from(new URL(webview.url).searchParams.get('auth_token') ?? '')
    const given = Buffer.from(auth_token)
    if (given.length !== expected.length || !timingSafeEqual(given, expected))
      throw new Refusal(404, 'connect_webview_not_found', 'Could not find connect webview')
    return webview
  }

  return {
    show: ({ params }: Call): Answer => {
      const webview = visited(checked(visit, params))
      return page(webview, webview.status === 'authorized' ? done : form(webview))
    },

    act: ({ params }: Call): Answer => {
      const { deed: what, provider, email, ...visiting } = checked(deed, params)
      const webview = visited(visiting)
      if (what === 'fail') store.fail(webview.connect_webview_id)
      else
        store.complete(webview.connect_webview_id, {
          ...(provider !== undefined && { provider }),
          ...(email !== undefined && { email }),
        })
      const { custom_redirect_url: success, custom_redirect_failure_url } = webview
      const next = what === 'fail' ? (custom_redirect_failure_url ?? success) : success
      if (next === null) return page(webview, what === 'fail' ? form(webview) : done)
      return { status: 303, headers: { location: next }, body: '' }
    },
  }
}

const done = '<p class="good">Connected. You may close this page.</p>'

const form = ({ url, status, accepted_providers, connect_webview_id }: ConnectWebview): string => `
${status === 'failed' ? '<p class="bad">The login has failed. Try again.</p>' : ''}
<form method="post" action="/connect_webviews/view">
  <input type="hidden" name="connect_webview_id" value="${escaped(connect_webview_id)}">
  <input type="hidden" name="auth_token" value="${escaped(new URL(url).searchParams.get('auth_token') ?? '')}">
  <label>Provider
    <select name="provider">${accepted_providers.map((one) => `<option>${escaped(one)}</option>`).join('')}</select>
  </label>
  <label>E-mail address of the account there
    <input name="email" type="email" placeholder="left empty: a new one" autocomplete="off">
  </label>
  <button name="deed" value="log_in">Log in</button>
  <button name="deed" value="fail" class="quiet">Let the login fail</button>
</form>`

const page = ({ custom_redirect_url, custom_redirect_failure_url }: ConnectWebview, main: string): Answer => {
  // The redirect after the form counts as a form's target too.
  const targets = [custom_redirect_url, custom_redirect_failure_url].flatMap((next) =>
    next === null ? [] : new URL(next).origin,
  )
  return {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'content-security-policy': `default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self' ${targets.join(' ')}`,
    },
    body: `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Connect an account</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
  body { max-width: 24rem; margin: 10vh auto; padding: 0 1rem }
  form { display: grid; gap: 1rem }
  label { display: grid; gap: .25rem }
  input, select, button { font: inherit; padding: .5rem .75rem; border-radius: .5rem; border: 1px solid #8888 }
  button { background: #2563eb; color: #fff; border-color: transparent; cursor: pointer }
  .quiet { background: none; color: inherit; border-color: #8888 }
  .good { color: #15803d } .bad { color: #b91c1c }
  small { opacity: .7 }
</style>
<h1>Connect an account</h1>
<p><small>The local Seam's Connect Webview: no provider is asked, no password is needed.</small></p>
${main}
</html>
`,
  }
}

const escaped = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
