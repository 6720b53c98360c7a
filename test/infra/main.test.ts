import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { compiled } from '../compiled.ts'
import { exampleConfiguration, ownConfiguration } from './stack/stack.ts'

const folder = mkdtempSync(join(tmpdir(), 'main-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs the app as the CLI does, in a folder of its own, without its bundles, and with nothing in its environment that leads to AWS. */
function run(command: string[], tokenVending: object = exampleConfiguration) {
  const [program = '', ...args] = command
  const env = {
    ...compiled,
    PATH: process.env.PATH,
    CDK_OUTDIR: join(folder, 'out'),
    CDK_CONTEXT_JSON: JSON.stringify({ 'aws:cdk:bundling-stacks': [], tokenVending }),
  }
  return new Promise<{ status: unknown; stderr: string }>((resolve) =>
    execFile(program, args, { cwd: folder, env }, (error, _, stderr) =>
      resolve({ status: error?.code ?? 0, stderr }),
    ),
  )
}
const app = [process.execPath, fileURLToPath(new URL('../../infra/main.ts', import.meta.url))]

describe('the CDK app', () => {
  it('synthesises the example of a bare checkout', async () => {
    expect(await run(app)).toEqual({ status: 0, stderr: '' })
    const template = readFileSync(join(folder, 'out/token-vending-example.template.json'), 'utf8')
    expect(JSON.parse(template).Resources).not.toEqual({})
  })

  it('takes the only stage of token-vending.json instead', async () => {
    const file = join(folder, 'token-vending.json')
    writeFileSync(file, JSON.stringify({ prod: { tokenVending: ownConfiguration } }))
    expect(await run(app)).toEqual({ status: 0, stderr: '' })
    rmSync(file)
    readFileSync(join(folder, 'out/token-vending-own.template.json'))
  })

  it('says what to change in a faulty configuration, and no more', async () => {
    const { status, stderr } = await run(app, { ...exampleConfiguration, allowedOrigins: ['*'] })
    expect(status).toBe(1)
    expect(stderr).toMatch(/^tokenVending\.allowedOrigins\[0\]: give an exact origin .*\n$/)
  })
})
