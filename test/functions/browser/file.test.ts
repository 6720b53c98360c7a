import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { ClientSessionError } from '../../../functions/browser/client-session.ts'

/** The helper as something that is copied, bundled and imported anywhere. */

test('it weighs no more than 3.5 kB, and needs nothing', async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: ['functions/browser/client-session.ts'],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    metafile: true,
  })
  expect(Object.keys(metafile.inputs).filter((file) => !file.startsWith('functions/browser'))).toEqual([])
  expect(gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length).toBeLessThanOrEqual(3500)
})

test('a server may import and make it: nothing runs, and the process ends', async () => {
  const said = await inProcess(`
    clientSession({ url: 'https://vending.invalid', getToken: () => { throw new Error('asked') } })
    console.log(process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap').join())`)
  expect(said).toBe('')
})

test('its errors are errors', () => {
  const error = new ClientSessionError('retry', 'network', { cause: 'x' })
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({ name: 'ClientSessionError', message: 'network', cause: 'x' })
})

test('a listener’s own mistake reaches the console, and nobody else', async () => {
  const said = await inProcess(`
    process.on('unhandledRejection', ({ message }) => console.log(message))
    const sessions = clientSession({ url: 'https://vending.invalid', getToken() {} })
    sessions.onChange(() => { throw new Error('my mistake') })
    sessions.onChange((_, { code }) => console.log(code))`)
  expect(said.split('\n').sort()).toEqual(['my mistake', 'not_signed_in'])
})

/** What a script prints that has the helper, in a process without a browser's globals. */
async function inProcess(script: string): Promise<string> {
  const source = `const { clientSession } = await import('./functions/browser/client-session.ts');${script}`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', source])
  return stdout.trim()
}
