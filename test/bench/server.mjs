import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { pathToFileURL } from 'node:url'

/**
 * A contender as an HTTP server, in a process of its own: `node server.mjs <bundle>`. Express listens itself; a Lambda
 * handler is given each request as an HTTP API would give it. Tells its port, and its CPU time when asked.
 */
const contender = await import(pathToFileURL(process.argv[2] ?? '').href)

const server = createServer(contender.app ?? answer)
server.listen(0, '127.0.0.1', () => process.send?.({ port: server.address().port }))
process.on('message', () => process.send?.({ cpu: process.cpuUsage() }))
process.on('disconnect', () => process.exit())

function answer(request, response) {
  let body = ''
  request.setEncoding('utf8')
  request.on('data', (part) => {
    body += part
  })
  request.on('end', async () => {
    const path = request.url ?? '/'
    const routeKey = `${request.method} ${path}`
    const result = await contender.handler(
      {
        version: '2.0',
        routeKey,
        rawPath: path,
        rawQueryString: '',
        headers: request.headers,
        requestContext: {
          domainName: request.headers.host,
          http: { method: request.method, path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: '' },
          requestId: randomUUID(),
          routeKey,
          stage: '$default',
          timeEpoch: Date.now(),
        },
        ...(body !== '' && { body }),
        isBase64Encoded: false,
      },
      {},
    )
    response.writeHead(result.statusCode, result.headers).end(result.body)
  })
}
