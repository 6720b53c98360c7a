import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { withoutFiles } from './aws/cloud.ts'

/** Which packages a command loads: the SDK takes most of a second, so a command loads only what it calls. */

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'loading-'))
  writeFileSync(
    join(folder, 'hooks.mjs'),
    `import { writeFileSync } from 'node:fs'
    import { registerHooks } from 'node:module'
    const urls = []
    registerHooks({
      resolve(specifier, context, next) {
        const resolved = next(specifier, context)
        urls.push(resolved.url)
        return resolved
      },
    })
    process.on('exit', () => writeFileSync(process.env.LOADED, JSON.stringify(urls)))`,
  )
})
afterAll(() => rmSync(folder, { recursive: true }))

/** The modules that the program loaded, as paths below node_modules or the project. */
async function loadedBy(words: string[]): Promise<{ status: number; clients: string[]; own: string[] }> {
  const file = join(folder, 'loaded.json')
  const args = ['--import', join(folder, 'hooks.mjs'), 'infra/cli/main.ts', ...words]
  const env = { PATH: process.env.PATH, LOADED: file, LOCAL_DIR: folder, AWS_REGION: 'r', ...withoutFiles }
  const status = await new Promise<number>((resolve) => {
    execFile(process.execPath, args, { env }, (error) => resolve(Number(error?.code ?? 0)))
  })
  const urls: string[] = JSON.parse(readFileSync(file, 'utf8'))
  const clients = urls.flatMap((url) => /node_modules\/@aws-sdk\/(client-[\w-]+)/.exec(url)?.[1] ?? [])
  return {
    status,
    clients: [...new Set(clients)].sort(),
    own: urls.filter((url) => url.includes('/infra/cli/')),
  }
}

test.each([['--version'], ['--help'], ['help', 'grant'], ['grant', '--help'], ['show', 'ada']])(
  '%s %s loads no client of AWS',
  async (...words) => {
    const { clients, own } = await loadedBy(words)
    expect(clients).toEqual([])
    expect(own.length).toBeGreaterThan(10)
  },
)

test('a command with --stack loads the client that it calls first, and no other', async () => {
  expect(await loadedBy(['list', '--stack', 'doors'])).toMatchObject({
    status: 4,
    clients: ['client-cloudformation'],
  })
})

test('doctor loads no client but that of DynamoDB, which the local world speaks', async () => {
  expect(await loadedBy(['doctor', '--json'])).toMatchObject({ status: 1, clients: ['client-dynamodb'] })
})
