import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { codeOf, Trouble } from './trouble.ts'

/** Nothing of the local world can be reached from another machine. */
const host = '127.0.0.1'

/**
 * Starts listening and returns the base URL.
 * @param port 0 = any free one
 * @param what the server's name in the sentence that says that its port is taken
 * @throws Trouble
 */
export async function listen(server: Server, port: number, what: string): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host, exclusive: true }, () => {
      server.off('error', reject)
      resolve()
    })
  }).catch((error: unknown) => {
    throw portTrouble(error, port, what)
  })
  return `http://${host}:${(server.address() as AddressInfo).port}`
}

/** Ends its connections too: browsers keep theirs open for minutes. */
export async function stopListening(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeAllConnections()
  await closed
}

export class PortTaken extends Trouble {}

function portTrouble(error: unknown, port: number, what: string): Trouble {
  const code = codeOf(error)
  if (code === 'EADDRINUSE')
    return new PortTaken(`Port ${port}, which ${what} needs, is taken. Stop the program that listens there.`)
  if (code === 'EACCES')
    return new PortTaken(`Port ${port}, which ${what} needs, is not allowed here. Choose one above 1023.`)
  return new Trouble(`${what} cannot listen on ${host}:${port} (${code}).`)
}
