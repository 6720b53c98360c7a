import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'

const script = fileURLToPath(new URL('../../../infra/local/install.mjs', import.meta.url))

/** A project that needs nothing from anywhere, and notes each installation. */
let project: string

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'install-'))
  await mkdir(join(project, 'infra/local'), { recursive: true })
  await cp(script, join(project, 'infra/local/install.mjs'))
  await mkdir(join(project, 'part'))
  await writeJson('part/package.json', { name: 'part', version: '1.0.0' })
  await writeJson('package.json', {
    name: 'project',
    version: '1.0.0',
    scripts: {
      prestart: 'node infra/local/install.mjs',
      start: 'node -p 1',
      preinstall: 'echo installed >> installed.txt',
    },
    dependencies: { part: 'file:part' },
  })
  await writeLock('file:part')
})

afterEach(() => rm(project, { recursive: true }))

const writeJson = (file: string, content: unknown) => writeFile(join(project, file), JSON.stringify(content))

async function writeLock(spec: string, comment = '') {
  await writeJson('package-lock.json', {
    name: 'project',
    version: '1.0.0',
    lockfileVersion: 3,
    requires: true,
    packages: {
      '': { name: 'project', version: '1.0.0', dependencies: { part: spec } },
      'node_modules/part': spec.startsWith('file:') ? { resolved: 'part', link: true } : { version: spec },
      part: { version: '1.0.0' },
    },
    comment,
  })
}

/** As a clean environment has it: the variables of the npm that runs this test would reach the one under test. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_OPTIONS$|^VITEST/i.test(name)),
)

function run(command: string, args: string[], env: Record<string, string> = {}) {
  return new Promise<{ code: number; output: string }>((resolve) => {
    execFile(command, args, { cwd: project, env: { ...environment, ...env } }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
    )
  })
}

const start = (env: Record<string, string> = {}) => run('npm', ['start'], env)
const installations = async () =>
  (await readFile(join(project, 'installed.txt'), 'utf8').catch(() => '')).split('\n').length - 1

it('installs once, and again when the lock file has changed', async () => {
  expect(await start()).toMatchObject({ code: 0, output: expect.stringContaining('happens once') })
  expect(await installations()).toBe(1)

  const again = await start()
  expect(again.code).toBe(0)
  expect(again.output).not.toContain('happens once')
  expect(await installations()).toBe(1)

  await rm(join(project, 'node_modules'), { recursive: true })
  await start()
  expect(await installations()).toBe(2)
})

it('installs nothing after npm itself has, until the lock file asks for more', async () => {
  await run('npm', ['ci', '--no-audit'])
  expect(await start()).toMatchObject({ code: 0 })
  expect(await installations()).toBe(1)

  await writeLock('file:part', 'the same packages')
  await start()
  expect(await installations()).toBe(1)

  await mkdir(join(project, 'more'))
  await writeJson('more/package.json', { name: 'more', version: '1.0.0' })
  const manifest = JSON.parse(await readFile(join(project, 'package.json'), 'utf8'))
  await writeJson('package.json', { ...manifest, dependencies: { part: 'file:part', more: 'file:more' } })
  await run('npm', ['install', '--package-lock-only', '--no-audit'])
  await start()
  expect(await installations()).toBe(2)
})

it('says what to look at when the registry cannot be reached', async () => {
  await writeFile(join(project, '.npmrc'), 'registry=http://127.0.0.1:1/\nfetch-retries=0\n')
  const manifest = JSON.parse(await readFile(join(project, 'package.json'), 'utf8'))
  await writeJson('package.json', { ...manifest, dependencies: { part: '1.0.0' } })
  await writeJson('package-lock.json', {
    name: 'project',
    version: '1.0.0',
    lockfileVersion: 3,
    requires: true,
    packages: {
      '': { name: 'project', version: '1.0.0', dependencies: { part: '1.0.0' } },
      'node_modules/part': { version: '1.0.0', resolved: 'http://127.0.0.1:1/part.tgz' },
    },
  })
  const { code, output } = await start()
  expect(code).toBe(1)
  expect(output).toContain('check the network and')
})

/** What that version of Node would do; the one that runs this test stays. */
const runAsNode = (version: string) => {
  const older = `data:text/javascript,Object.defineProperty(process,"versions",{value:{node:"${version}"}})`
  return run(process.execPath, ['--import', older, 'infra/local/install.mjs'])
}

it('says so when Node is too old', async () => {
  const { code, output } = await runAsNode('18.20.1')
  expect(code).toBe(1)
  expect(output).toContain('Node 18.20.1 is too old: install Node 20')
})

it('says what to do when an older Node has nobody to hand over to', async () => {
  await start()
  const { code, output } = await runAsNode('20.1.0')
  expect(code).toBe(1)
  expect(output).toContain('npm rebuild node')
})
