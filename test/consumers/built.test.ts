import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Doors, openSite, signInAndOut, startDoors } from './doors.ts'
import { complaints, readRecipes, root, writeProject } from './recipes.ts'

/** The recipes with our package as it is packed and the real packages of others, which this folder installs: 450 MB. */

const here = import.meta.dirname
const run = promisify(execFile)
const program = (name: string) => join(here, 'node_modules', name)
const vite = program('vite/bin/vite.js')
const next = program('next/dist/bin/next')
const environment = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production' as const }

if (process.env.LONG === '1') describe('with the real packages,', tests)
else test('what is installed for it is pinned, from no particular registry', pinned)

async function pinned(): Promise<void> {
  const { dependencies } = JSON.parse(await readFile(join(here, 'package.json'), 'utf8'))
  for (const version of Object.values(dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/)
  const { packages } = JSON.parse(await readFile(join(here, 'package-lock.json'), 'utf8'))
  expect(packages[''].dependencies).toEqual(dependencies)
  const installed = Object.values<{ resolved?: string; integrity?: string }>(packages).slice(1)
  expect(installed.filter((it) => it.resolved !== undefined || it.integrity === undefined)).toEqual([])
}

function tests(): void {
  let doors: Doors
  let recipes: Awaited<ReturnType<typeof readRecipes>>
  const folders: string[] = []
  beforeAll(async () => {
    recipes = await readRecipes()
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: here })
    await installOurs()
    doors = await startDoors()
  })
  afterAll(async () => {
    await doors.close()
    await Promise.all(folders.map((folder) => rm(folder, { recursive: true })))
  })

  async function project(...names: string[]): Promise<string> {
    const files = Object.assign({}, ...names.map((name) => recipes.get(name)))
    const local = Object.entries<string>(files).map(([name, text]) => [name, doors.local(text)])
    const folder = await writeProject(here, Object.fromEntries(local))
    folders.push(folder)
    return folder
  }

  test.each(['oidc-client-ts', 'Auth0', 'Microsoft Entra ID', 'Clerk'])(
    'Vite and React with %s: compiled and built',
    async (name) => {
      const folder = await project('Vite and React', ...(name === 'Clerk' ? ['oidc-client-ts'] : []), name)
      expect(await complaints(folder)).toBe('')
      await run(process.execPath, [vite, 'build', folder], { env: environment })
      const dist = join(folder, 'dist')
      doors.files.set('/', await readFile(join(dist, 'index.html'), 'utf8'))
      for (const file of await readdir(join(dist, 'assets')))
        doors.files.set(`/assets/${file}`, await readFile(join(dist, 'assets', file), 'utf8'))
      if (name === 'oidc-client-ts') await signInAndOut(doors)
    },
  )

  test('Next.js: compiled, built and used', async () => {
    const folder = await project('Next.js')
    await mkdir(join(folder, 'lib'))
    await writeFile(join(folder, 'lib', 'sign-in.ts'), doors.local(signInOfTheirs))
    expect(await complaints(folder)).toBe('')
    await run(process.execPath, [next, 'build', folder], { env: environment })
    const server = spawn(process.execPath, [next, 'start', folder, '-H', '127.0.0.1', '-p', '0'], {
      env: environment,
    })
    const ended = once(server, 'close')
    let printed = ''
    for (const stream of [server.stdout, server.stderr]) stream.on('data', (text) => (printed += text))
    try {
      await expect.poll(() => printed).toMatch(/http:\/\/127\.0\.0\.1:[1-9]\d+/)
      doors.upstream = /http:\/\/127\.0\.0\.1:\d+/.exec(printed)?.[0]
      const stranger = await openSite(doors)
      await stranger.getByText('Please sign in.').waitFor()
      const ada = await openSite(doors, [{ name: 'user', value: 'ada', url: doors.url }])
      await ada.getByText('Front Door').waitFor()
      const mallory = await openSite(doors, [{ name: 'user', value: 'mallory', url: doors.url }])
      await mallory.getByText('You have no access (main|mallory).').waitFor()
    } finally {
      doors.upstream = undefined
      server.kill()
      await ended
    }
  })
}

/** Somebody's sign-in, by a cookie that names the user. */
const signInOfTheirs = `
import { cookies } from 'next/headers'

export async function accessToken(_: { fresh: boolean }): Promise<string | undefined> {
  const sub = (await cookies()).get('user')?.value
  if (sub === undefined) return undefined
  const headers = { accept: 'text/plain' }
  const response = await fetch('http://127.0.0.1:4801/token', { method: 'POST', body: JSON.stringify({ sub }), headers })
  return response.text()
}
`

/** Packed from a copy, because packing writes into the project, where another test may be packing too. */
async function installOurs(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'consumers-'))
  try {
    const copy = join(folder, 'project')
    const left = new Set(['node_modules', '.git', 'dist', '.local', 'cdk.out', basename(here)])
    await cp(root, copy, {
      recursive: true,
      filter: (from) => !left.has(basename(from)) && !basename(from).startsWith('.recipes-'),
    })
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: copy })
    const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('[\n')))
    const app = join(folder, 'app')
    await mkdir(app)
    await writeFile(join(app, 'package.json'), '{"private":true}')
    const install = ['install', '--offline', '--no-audit', '--no-fund', '--legacy-peer-deps']
    await run('npm', [...install, join(folder, filename)], { cwd: app })
    const installed = join(here, 'node_modules', 'seam-token-vending')
    await rm(installed, { recursive: true, force: true })
    await cp(join(app, 'node_modules', 'seam-token-vending'), installed, { recursive: true })
  } finally {
    await rm(folder, { recursive: true })
  }
}
