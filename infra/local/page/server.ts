import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { serveStatic } from '@hono/node-server/serve-static'
import { type Context, Hono } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import { streamSSE } from 'hono/streaming'
import type { Configuration } from '../../../functions/config.ts'
import { listen } from '../loopback.ts'
import { actSchema, carryOut, type Operator, readDesk } from './operator.ts'
import type { Observation, Watcher } from './watching.ts'

/** What the page needs to know, and no secret. */
export interface PageFacts {
  api: string
  issuer: string
  seam: string
  users: string[]
  /** Explains a pasted token, in the page. */
  configuration: Configuration
  /** Absent when the API trusts another identity provider: then nobody can be signed in here. */
  operator?: true
}

/** What the page shows when all else is up. */
interface Shown {
  facts: PageFacts
  watcher: Watcher
  operator: Operator | undefined
}

const own = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const elements = addressOf('@seamapi/react/elements.js')

/** Served as they are. A path is looked up here, so nothing else of the disk can be read. */
const files = {
  '/': own('public/index.html'),
  '/page.css': own('public/page.css'),
  '/icon.svg': own('public/icon.svg'),
  '/seam/elements.js': fileURLToPath(elements),
  '/seam/elements.css': fileURLToPath(new URL('index.min.css', elements)),
}

/** The page has an origin of its own, not the API's, as an app's page has. @throws CliError */
export async function startPage({ port }: { port: number }) {
  const { url, serveFetch, close } = await listen(port, 'the page')
  /** Called once when all else is up; until then requests wait. */
  let show = (_: Shown): void => {}
  const app = new Promise<Shown>((resolve) => {
    show = resolve
  }).then((shown) => pageApp(url, shown))
  serveFetch(async (request) => (await app).fetch(request))
  return { url, show, close }
}

function pageApp(url: string, { facts, watcher, operator }: Shown): Hono {
  const app = new Hono()
  // By another name of this machine the page is of another origin, which the API does not know.
  app.use((c, next) =>
    c.req.header('host') === new URL(url).host ? next() : Promise.resolve(c.redirect(url)),
  )
  app.use(secureHeaders({ contentSecurityPolicy: policy(facts), strictTransportSecurity: false }))
  app.use((c, next) => {
    c.header('cache-control', 'no-store')
    return next()
  })
  app.get('/facts.json', (c) => c.json(facts))
  app.get('/seen', (c) => streamObservations(c, watcher))
  app.get('/README.md', async (c) => c.text(await readFile(own('../../../README.md'), 'utf8')))
  let bundle: Promise<string> | undefined
  app.get('/page.js', async (c) => {
    bundle ??= readFile(own('public/page.js'), 'utf8').catch(bundlePage)
    return c.body(await bundle, 200, { 'content-type': 'text/javascript; charset=utf-8' })
  })
  for (const [path, file] of Object.entries(files)) app.get(path, serveStatic({ path: file }))
  if (operator === undefined) return app
  app.get('/desk.json', async (c) => c.json(await readDesk(operator, c.req.query('sub') ?? '')))
  app.post('/desk', async (c) => {
    const act = actSchema.safeParse(await c.req.json().catch(() => undefined))
    if (!act.success) return c.text('There is no such act.', 400)
    return c.json({ request_id: await carryOut(operator, act.data) })
  })
  app.onError(({ message }, c) => c.json({ error: message }, 502))
  return app
}

function streamObservations(c: Context, watcher: Watcher): Response {
  return streamSSE(c, async (stream) => {
    const gone = new Promise<void>((resolve) => stream.onAbort(resolve))
    const last = Number(c.req.header('last-event-id')) || 0
    const tell = (it: Observation) => void stream.writeSSE({ id: String(it.id), data: JSON.stringify(it) })
    const end = watcher.watch(tell, last)
    // So that the page knows at once that it is connected.
    await stream.writeSSE({ event: 'here', data: '', retry: 500 })
    await gone
    end()
  })
}

/** Whoever tests with the package may have no components installed: then the page shows no devices. */
function addressOf(module: string): string {
  try {
    return import.meta.resolve(module)
  } catch {
    return new URL(module, import.meta.url).href
  }
}

/** The page's code with the browser helper, bundled at the first request, unless it was when this was packed. */
export async function bundlePage(): Promise<string> {
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    entryPoints: [own('app/main.ts')],
    bundle: true,
    format: 'esm',
    target: 'es2023',
    // The page explains a pasted token with the service's own code, which was written for Node.
    alias: { 'node:crypto': own('app/node.ts') },
    inject: [own('app/node.ts')],
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}

/** The page may talk to the three addresses it is there to show, and to nothing else. */
function policy({ api, issuer, seam }: PageFacts) {
  return {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'data:', seam],
    connectSrc: ["'self'", api, issuer, seam],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  }
}
