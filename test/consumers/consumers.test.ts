import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { examplesIn } from '../functions/browser/examples.ts'
import { unpacked } from '../infra/local/chromium.ts'

/** Whole apps of strangers, made of the tarball and their own tools, on Node 20.19 and on ours. */

const run = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')
let app: string

const write = async (file: string, text: string) => {
  await mkdir(dirname(join(app, file)), { recursive: true })
  await writeFile(join(app, file), text)
}
const bin = (name: string) => join(app, 'node_modules', '.bin', name)

async function installAll(): Promise<void> {
  app = await mkdtemp(join(tmpdir(), 'consumers-'))
  for (const file of ['package.json', 'package-lock.json', '.npmrc'])
    await copyFile(join(import.meta.dirname, 'app', file), join(app, file))
  await run('npm', ['pack', '--pack-destination', app], { cwd: root })
  const [tarball = ''] = (await readdir(app)).filter((name) => name.endsWith('.tgz'))
  await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: app })
  await run('npm', ['install', '--no-save', '--no-audit', '--no-fund', `./${tarball}`], { cwd: app })
}

const page = `
  import { clientSession } from 'seam-token-vending/browser'
  import { useClientSession } from 'seam-token-vending/react'
  import { createElement as h, StrictMode } from 'react'
  import { createRoot } from 'react-dom/client'
  const { searchParams } = new URL(location.href)
  const sessions = clientSession({
    url: searchParams.get('api'),
    getToken: async () => (await fetch(searchParams.get('issuer') + '/token', {
      method: 'POST', headers: { accept: 'text/plain' }, body: '{"sub":"ada"}',
    })).text(),
  })
  const Devices = () => h('output', {}, useClientSession(sessions).status)
  createRoot(document.body).render(h(StrictMode, {}, h(Devices)))`

const playwright = `
  import { createServer } from 'node:http'
  import { readFile } from 'node:fs/promises'
  import { expect, test } from '@playwright/test'
  import { startWorld } from 'seam-token-vending/testing'
  test('ada has a session, until she has none', async ({ page }) => {
    const site = createServer(async (request, response) => {
      const path = new URL(request.url ?? '', 'http://a').pathname
      response.setHeader('content-type', path.endsWith('.js') ? 'text/javascript' : 'text/html')
      response.end(await readFile('out' + (path === '/' ? '/index.html' : path)).catch(() => ''))
    }).listen(5179, '127.0.0.1')
    const world = await startWorld({ origin: 'http://127.0.0.1:5179' })
    await page.goto('http://127.0.0.1:5179/?' + new URLSearchParams({ api: world.url, issuer: world.issuer }))
    await expect(page.locator('output')).toHaveText('ready')
    expect(world.sessions('ada')).toMatchObject([{ live: true }])
    await world.stop()
    site.close()
    site.closeAllConnections()
  })`

const jestTest = `
  const { clientSession } = require('seam-token-vending/browser')
  const { useClientSession } = require('seam-token-vending/react')
  const { TokenVending } = require('seam-token-vending')
  test('all of it is there', () => {
    expect(clientSession({ url: 'https://a.example', getToken() {} }).signOut).toBeInstanceOf(Function)
    expect([typeof useClientSession, typeof TokenVending]).toEqual(['function', 'function'])
  })`

if (process.env.LONG === '1')
  describe.each([
    ['20.19', () => join(app, 'node_modules', 'node', 'bin', 'node')],
    ['the one that runs this', () => process.execPath],
  ])('on Node %s', (_, program) => {
    beforeAll(async () => {
      app ??= await installAll().then(() => app)
    })
    const node = (...words: string[]) =>
      run(program(), words, { cwd: app, env: { PATH: dirname(program()), HOME: app, ...browserAt } })
    let browserAt = {}

    test('Vite builds a page, and Playwright sees it in the local world', async () => {
      await write('index.html', '<!doctype html><body></body><script type="module" src="/page.js"></script>')
      await write('page.js', page)
      await node(bin('vite'), 'build', '--outDir', 'out')
      await write('playwright/doors.spec.ts', playwright)
      const browser = await unpacked()
      browserAt = { FONTCONFIG_PATH: join(browser, 'fonts'), LD_LIBRARY_PATH: join(browser, 'al2023', 'lib') }
      const launchOptions = { executablePath: join(browser, 'chromium'), chromiumSandbox: false }
      await write(
        'playwright.config.ts',
        `export default ${JSON.stringify({ testDir: 'playwright', timeout: 300_000, use: { launchOptions } })}`,
      )
      expect((await node(bin('playwright'), 'test', '--reporter=line')).stdout).toContain('1 passed')
    })

    test('jest requires all of it', async () => {
      await write('jest/doors.test.js', jestTest)
      expect((await node(bin('jest'), '--rootDir', 'jest', '--testTimeout=300000')).stderr).toContain(
        'Tests:       1 passed',
      )
    })

    test.each([
      ['commonjs', 'node10'],
      ['node16', 'node16'],
      ['es2022', 'bundler'],
    ])('TypeScript 5 compiles a CDK app: %s, %s', async (module, moduleResolution) => {
      const types = join(app, 'node_modules', 'seam-token-vending', 'dist', 'esm', 'types')
      const [example] = examplesIn(await readFile(join(types, 'infra/stack/token-vending.d.ts'), 'utf8'))
      const uses = `import { clientSession } from 'seam-token-vending/browser'\nexport const made = clientSession`
      await write('cdk/app.ts', `${example?.[1]}\n${uses}`)
      const options = {
        module,
        moduleResolution,
        target: 'es2022',
        strict: true,
        skipLibCheck: true,
        outDir: 'out',
      }
      await write('cdk/tsconfig.json', JSON.stringify({ compilerOptions: { ...options, types: [] } }))
      await node(bin('tsc'), '-p', 'cdk')
      await write(
        'cdk/out/package.json',
        JSON.stringify({ type: module === 'es2022' ? 'module' : 'commonjs' }),
      )
      if (module !== 'es2022') await node('cdk/out/app.js')
    })
  })

test('the lock file is that of what strangers install', async () => {
  const { dependencies } = JSON.parse(
    await readFile(join(import.meta.dirname, 'app', 'package.json'), 'utf8'),
  )
  const { packages } = JSON.parse(
    await readFile(join(import.meta.dirname, 'app', 'package-lock.json'), 'utf8'),
  )
  for (const [name, version] of Object.entries(dependencies))
    expect([name, packages[`node_modules/${name}`].version]).toEqual([name, version])
})

afterAll(async () => {
  if (app !== undefined) await rm(app, { recursive: true })
})
