import { spawn } from 'node:child_process'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { compiled } from '../../../compiled.ts'
import { heard } from '../../../leaks.ts'

/** How a command ended, and what it printed. */
export interface Ran {
  code: number | null
  out: string
  err: string
}

type Streams = { stdin: Readable; stdout: PassThrough; stderr: PassThrough }

/** A command in this process, which AWS's SDK believes to be in that environment meanwhile. */
export async function runHere(
  command: (streams: Streams) => Promise<number>,
  environment: Record<string, string>,
  input = '',
): Promise<Ran> {
  const before = { ...process.env }
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
  Object.assign(process.env, environment)
  const [stdout, stderr] = [heard(new PassThrough()), heard(new PassThrough())]
  const printed = Promise.all([text(stdout), text(stderr)])
  try {
    const code = await command({ stdin: Readable.from([input]), stdout, stderr })
    stdout.end()
    stderr.end()
    const [out, err] = await printed
    return { code, out, err }
  } finally {
    for (const name of Object.keys(process.env)) delete process.env[name]
    Object.assign(process.env, before)
  }
}

/** The program in a process of its own, which knows of this machine only what it is told. */
export async function run(words: string[], environment: Record<string, string>, input = ''): Promise<Ran> {
  const command = fileURLToPath(new URL('../../../../infra/cli/main.ts', import.meta.url))
  const child = spawn(process.execPath, [command, ...words], {
    env: { PATH: process.env.PATH, HOME: '/nonexistent', ...compiled, ...environment },
  })
  child.stdin.end(input)
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await ended, out, err }
}
