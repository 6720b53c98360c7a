import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { getRequestListener } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import { streamSSE } from 'hono/streaming'
import { listen } from '../loopback.ts'
import { type Operator, wishSchema } from './operator.ts'
import type { Watcher } from './watching.ts'

/** What the page needs to know, and no secret. */
export interface PageFacts {
  api: string
  issuer: string
  seam: string
  users: string[]
  /** Absent when the API trusts another identity provider: then nobody can be signed in here. */
  operator?: true
}

/** What the page shows beside the facts. */
interface Behind {
  watcher: Watcher
  operator: Operator | undefined
}

export interface Page {
  /** Its origin: another one than the API's, as an app's page has. */
  url: string
  /** Called once when all else is up; until then the page is told to wait. */
  show(facts: PageFacts, behind: Behind): void
  close(): Promise<void>
}

const own = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const elements = import.meta.resolve('@seamapi/react/elements.js')
const script = 'text/javascript; charset=utf-8'
const style = 'text/css; charset=utf-8'

/** Served as they are: what is asked for is looked up here, so nothing else of the disk can be. */
const files = new Map([
  ['/', [own('public/index.html'), 'text/html; charset=utf-8']],
  ['/page.css', [own('public/page.css'), style]],
  ['/icon.svg', [own('public/icon.svg'), 'image/svg+xml']],
  ['/device.svg', [own('public/device.svg'), 'image/svg+xml']],
  ['/seam/elements.js', [fileURLToPath(elements), script]],
  ['/seam/elements.css', [fileURLToPath(new URL('index.min.css', elements)), style]],
] as const)

/** @throws Trouble */
export async function startPage({ port = 0 }: { port?: number } = {}): Promise<Page> {
  let shown: { facts: PageFacts; behind: Behind } | undefined
  const app = new Hono()

  // By another name of this machine the page is of another origin, which the API does not know.
  app.use(async (c, next) => {
    if (c.req.header('host') !== new URL(url).host) return c.redirect(url)
    return next()
  })
  app.use((c, next) =>
    secureHeaders({ contentSecurityPolicy: policy(shown?.facts), strictTransportSecurity: false })(c, next),
  )
  app.use(async (c, next) => {
    await next()
    if (!c.res.headers.has('cache-control')) c.header('cache-control', 'no-store')
  })

  const starting = (c: Context) => c.json({ error: 'The local world is still starting.' }, 503)
  app.get('/facts.json', (c) => (shown === undefined ? starting(c) : c.json(shown.facts)))

  app.get('/seen', (c) => {
    const { watcher } = shown?.behind ?? {}
    if (watcher === undefined) return starting(c)
    return streamSSE(c, async (stream) => {
      const last = Number(c.req.header('last-event-id')) || 0
      const gone = new Promise<void>((resolve) => stream.onAbort(resolve))
      const end = watcher.watch(
        (it) => void stream.writeSSE({ id: String(it.id), data: JSON.stringify(it) }),
        last,
      )
      // So that the page knows at once that it is connected.
      await stream.writeSSE({ event: 'here', data: '', retry: 500 })
      await gone
      end()
    })
  })

  app.get('/desk.json', async (c) => {
    const { operator } = shown?.behind ?? {}
    return operator === undefined ? c.notFound() : c.json(await operator.desk(c.req.query('sub') ?? ''))
  })

  app.post('/desk', async (c) => {
    const { operator } = shown?.behind ?? {}
    const wish = wishSchema.safeParse(await c.req.json().catch(() => undefined))
    if (operator === undefined || !wish.success) return c.text('There is no such act.', 400)
    const failed = await operator.carryOut(wish.data).catch((error: unknown) => error)
    if (failed !== undefined)
      return c.json({ error: failed instanceof Error ? failed.message : 'failed' }, 502)
    return c.body(null, 204)
  })

  let bundle: Promise<string> | undefined
  app.get('/page.js', async (c) => {
    bundle ??= bundled()
    return c.body(await bundle, 200, { 'content-type': script })
  })

  app.get('*', async (c) => {
    const [file, type] = files.get(c.req.path as '/') ?? []
    if (file === undefined || type === undefined) return c.notFound()
    return c.body(await readFile(file), 200, { 'content-type': type, 'cache-control': 'no-cache' })
  })

  const { url, serve, close } = await listen(port, 'the page')
  serve(getRequestListener(app.fetch))
  return {
    url,
    show(facts, behind) {
      shown = { facts, behind }
    },
    close,
  }
}

/** The page's code and the helper in it, put together when they are first asked for: starting does not wait. */
async function bundled(): Promise<string> {
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    entryPoints: [own('app/main.ts')],
    bundle: true,
    format: 'esm',
    target: 'es2023',
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}

/** The page may talk to the three addresses it is there to show, and to nothing else. */
function policy(facts: PageFacts | undefined) {
  const { api, issuer, seam } = facts ?? { api: '', issuer: '', seam: '' }
  return {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'data:', 'https://connect.getseam.com'],
    connectSrc: ["'self'", api, issuer, seam].filter((source) => source !== ''),
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  }
}
