import { PassThrough, Readable } from 'node:stream'
import type { Finding } from '../../../../infra/cli/doctor/finding.ts'
import { runProgram } from '../../../../infra/cli/program.ts'
import { heard } from '../../../leaks.ts'
import { textOf } from '../terminal.ts'

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
  environment: Parameters<typeof runProgram>[1],
  input = '',
  folder = environment.LOCAL_DIR ?? '/nonexistent',
): Promise<Diagnosis> {
  const [stdout, stderr] = [heard(new PassThrough()), heard(new PassThrough())]
  const printed = [textOf(stdout), textOf(stderr)]
  const streams = { stdin: Readable.from([input]), stdout, stderr }
  const code = await runProgram(['doctor', ...words, '--json'], environment, streams, { folder })
  stdout.end()
  stderr.end()
  const [out = '', err = ''] = await Promise.all(printed)
  const findings: Finding[] = out
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
  return { code, out, err, findings, about: (what) => findings.find((finding) => finding.what === what) }
}
