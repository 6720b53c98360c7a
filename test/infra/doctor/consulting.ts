import { PassThrough, Readable } from 'node:stream'
import { runDoctor } from '../../../infra/doctor/command-line.ts'
import type { Finding } from '../../../infra/doctor/finding.ts'
import { heard } from '../../leaks.ts'
import { textOf } from '../admin/terminal.ts'

export interface Diagnosis {
  code: number
  out: string
  err: string
  findings: Finding[]
  /** The first finding about this. */
  about(what: string): Finding | undefined
}

/** Asks the doctor as a script does. */
export async function consult(
  words: string[],
  environment: Parameters<typeof runDoctor>[1],
  input = '',
): Promise<Diagnosis> {
  const [stdout, stderr] = [heard(new PassThrough()), heard(new PassThrough())]
  const printed = [textOf(stdout), textOf(stderr)]
  const code = await runDoctor([...words, '--json'], environment, {
    stdin: Readable.from([input]),
    stdout,
    stderr,
  })
  stdout.end()
  stderr.end()
  const [out = '', err = ''] = await Promise.all(printed)
  const findings: Finding[] = out
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
  return { code, out, err, findings, about: (what) => findings.find((finding) => finding.what === what) }
}
