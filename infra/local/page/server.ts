import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import { listen, stopListening } from '../loopback.ts'

/** What the page needs to know, and no secret. */
export interface PageFacts {
  api: string
  issuer: string
  seam: string
  users: string[]
}

export interface Page {
  /** Its origin: another one than the API's, as an app's page has. */
  url: string
  /** Called once when all else is up; until then the page is told to wait. */
  show(facts: PageFacts): void
  close(): Promise<void>
}

const own = (name: string) => fileURLToPath(new URL(`public/${name}`, import.meta.url))
const elements = import.meta.resolve('@seamapi/react/elements.js')

/** Served as they are: what is asked for is looked up here, so nothing else of the disk can be. */
const files = new Map([
  ['/', [own('index.html'), 'text/html; charset=utf-8']],
  ['/page.css', [own('page.css'), 'text/css; charset=utf-8']],
  ['/page.js', [own('page.js'), 'text/javascript; charset=utf-8']],
  ['/session.js', [own('session.js'), 'text/javascript; charset=utf-8']],
  ['/icon.svg', [own('icon.svg'), 'image/svg+xml']],
  ['/seam/elements.js', [fileURLToPath(elements), 'text/javascript; charset=utf-8']],
  ['/seam/elements.css', [fileURLToPath(new URL('index.min.css', elements)), 'text/css; charset=utf-8']],
] as const)

/** @throws Trouble */
export async function startPage({ port = 0 }: { port?: number } = {}): Promise<Page> {
  let facts: PageFacts | undefined
  const app = new Hono()

  app.use((c, next) =>
    secureHeaders({ contentSecurityPolicy: policy(facts), strictTransportSecurity: false })(c, next),
  )

  app.get('/facts.json', (c) => {
    c.header('cache-control', 'no-store')
    return facts === undefined ? c.json({ error: 'The local world is still starting.' }, 503) : c.json(facts)
  })

  app.get('*', async (c) => {
    const [file, type] = files.get(c.req.path as '/') ?? []
    if (file === undefined || type === undefined) return c.notFound()
    return c.body(await readFile(file), 200, { 'content-type': type, 'cache-control': 'no-cache' })
  })

  const server = createServer(getRequestListener(app.fetch))
  const url = await listen(server, port, 'the page')
  return {
    url,
    show(known) {
      facts = known
    },
    close: () => stopListening(server),
  }
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
