import { type Context, Hono } from 'hono'

type App = { app: Pick<Hono, 'fetch'> }

/** The functions' apps at one address, told apart by the path as the HTTP API tells them apart in the cloud. */
export function oneApi(apps: { vend: App; connect: App; webhook?: App; identityEvents?: App }): Hono {
  const { vend, connect, webhook = vend, identityEvents = vend } = apps
  const to = (it: App) => (c: Context) => it.app.fetch(c.req.raw, c.env)
  const api = new Hono()
  api.all('/connect-webview/*', to(connect))
  api.all('/webhooks/*', to(webhook))
  api.all('/identity-events', to(identityEvents))
  api.all('*', to(vend))
  return api
}
