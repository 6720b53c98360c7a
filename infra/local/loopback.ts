import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { CliError, codeOf } from './cli-error.ts'

/** Nothing of the local world can be reached from another machine. */
const host = '127.0.0.1'

/**
 * Starts a server. Every server of the local world starts here, because any website that a browser of this machine
 * shows can send requests to it: what such a site sends is refused before anything else looks at it. Node hands over
 * a request to upgrade as an ordinary one and closes a CONNECT, as long as nobody listens for those events.
 * @param port 0 = any free one
 * @param what the server's name in the sentence that says that its port is taken
 * @param mayCall whether pages of this origin may call; a server's own pages always may
 * @throws CliError
 */
export async function listen(port: number, what: string, mayCall: (origin: string) => boolean = () => false) {
  let answer: RequestListener = (_, response) => response.writeHead(503).end('Still starting.')
  const server = createServer((request, response) => {
    const status = refusal(request, mayCall)
    if (status === undefined) return answer(request, response)
    return response
      .writeHead(status, { 'content-type': 'text/plain', connection: 'close' })
      .end(sentences[status])
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host, exclusive: true }, resolve)
  }).catch((error: unknown) => {
    throw portError(error, port, what)
  })
  return {
    /** Base URL. */
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    /** Sets what answers; until then every request gets a 503. */
    serve(by: RequestListener): void {
      answer = by
    },
    /** The same by a Hono app's `fetch`. */
    serveFetch(by: Parameters<typeof getRequestListener>[0]): void {
      // The process that a world runs in, somebody's test run, keeps its own `Request` and `Response`.
      answer = getRequestListener(by, { overrideGlobalObjects: false })
    },
    close: () => closeServer(server),
  }
}

/** Ends its connections too: browsers keep theirs open for minutes. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeAllConnections()
  await closed
}

const sentences = {
  421: 'This server has another name.\n',
  403: 'Pages of this origin may not call. Your own page may: name its origin in ORIGIN or in allowedOrigins.\n',
}

/** Status 421 for a foreign `Host`, 403 for a foreign `Origin`. */
function refusal(request: IncomingMessage, mayCall: (origin: string) => boolean): 421 | 403 | undefined {
  const { headers, headersDistinct, method, socket, url } = request
  const [name = ''] = headersDistinct.host ?? []
  const own = [host, 'localhost'].map((hostname) => new URL(`http://${hostname}:${socket.localPort}`).host)
  const isOne = headersDistinct.host?.length === 1
  // A name that a site points at this machine (DNS rebinding) makes its pages ours, but for this header. An address
  // before the path would overrule it.
  if (!isOne || !own.includes(name.toLowerCase()) || !url?.startsWith('/')) return 421

  const origins = headersDistinct.origin ?? []
  const [origin = ''] = origins
  const isSame = origin === `http://${name.toLowerCase()}`
  if (origins.length > 0) return origins.length === 1 && (isSame || mayCall(origin)) ? undefined : 403

  // A page's plain GET, as for an image, tells no origin. A link may lead here.
  const isForeign = ['cross-site', 'same-site'].includes(String(headers['sec-fetch-site']))
  const isLink = headers['sec-fetch-mode'] === 'navigate' && method === 'GET'
  return isForeign && !isLink ? 403 : undefined
}

export class PortTaken extends CliError {}

const portFaults: Record<string, string> = {
  EADDRINUSE: 'is taken. Stop the program that listens there.',
  EACCES: 'is not allowed here. Choose one above 1023.',
}

function portError(error: unknown, port: number, what: string): CliError {
  const code = codeOf(error)
  const fault = portFaults[code]
  if (fault !== undefined) return new PortTaken(`Port ${port}, which ${what} needs, ${fault}`)
  return new CliError(`${what} cannot listen on ${host}:${port} (${code}).`)
}
