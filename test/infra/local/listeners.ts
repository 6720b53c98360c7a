import { once } from 'node:events'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

/** Every TCP port on which a process listens, as Linux tells it (proc_pid_fd(5), proc_net_tcp(5)), with its address in hexadecimal. */
export async function listeningPorts(pid: number): Promise<{ address: string; port: number }[]> {
  const descriptors = await readdir(`/proc/${pid}/fd`)
  // One that was closed meanwhile is none.
  const links = await Promise.all(
    descriptors.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')),
  )
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8')),
  )
  const listening = /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ 0A \S+ \S+ \S+ +\d+ +\d+ (\d+) /gm
  return [...tables.join('\n').matchAll(listening)]
    .filter(([, , , inode]) => links.includes(`socket:[${inode}]`))
    .map(([, address = '', port = '']) => ({ address, port: Number.parseInt(port, 16) }))
}

/** What comes back to these very bytes, until the connection is closed. */
export async function sendRaw(port: number, request: string, ...headers: string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write([request, ...headers, '', ''].join('\r\n'))
  return text(socket)
}

/** Undefined when nothing came back. */
export function statusOf(answer: string): number | undefined {
  const [, status] = /^HTTP\/1\.1 (\d+)/.exec(answer) ?? []
  return status === undefined ? undefined : Number(status)
}
