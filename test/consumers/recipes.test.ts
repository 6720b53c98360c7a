import { copyFile, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { deadlineIn } from '../../functions/http/deadline.ts'
import { times } from '../../functions/times.ts'
import { adminOver } from '../functions/operator/world.ts'
import { ask, devicesOf } from '../functions/vending-world.ts'
import { startCloud } from '../infra/cli/aws/cloud.ts'
import { runHere } from '../infra/cli/aws/command.ts'
import { browserTest } from '../infra/local/chromium.ts'
import {
  type Doors,
  maxAuthAgeSeconds,
  openSite,
  signInAndOut,
  signInAtProvider,
  startDoors,
} from './doors.ts'
import { complaints, readRecipes, root, writeProject } from './recipes.ts'

/** The recipes as they stand, as far as that needs no package but ours; the rest is in built.test.ts. */

const source = (name: string) => join(root, 'functions', 'browser', name)
const ours = {
  'seam-token-vending/browser': source('client-session.ts'),
  'seam-token-vending/react': source('use-client-session.ts'),
}
const paths = Object.fromEntries(Object.entries(ours).map(([name, file]) => [name, [file]]))

let doors: Doors
let recipes: Awaited<ReturnType<typeof readRecipes>>
const folders: string[] = []
beforeAll(async () => {
  recipes = await readRecipes()
  doors = await startDoors()
})
afterAll(async () => {
  await doors.close()
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true })))
})

async function project(...names: string[]): Promise<string> {
  const files = Object.assign({}, ...names.map((name) => recipes.get(name)))
  const local = Object.entries<string>(files).map(([name, text]) => [name, doors.local(text)])
  const folder = await writeProject(join(root, 'test'), Object.fromEntries(local))
  folders.push(folder)
  return folder
}

async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    alias: ours,
    bundle: true,
    format: 'esm',
    jsx: 'automatic',
    write: false,
    define: { 'process.env.NODE_ENV': '"production"' },
  })
  return outputFiles[0]?.text ?? ''
}

const elements = () => readFile(fileURLToPath(import.meta.resolve('@seamapi/react/elements.js')), 'utf8')

test('each recipe is one that is tried here or in built.test.ts', () => {
  expect([...recipes.keys()]).toEqual([
    'Plain page',
    'Vite and React',
    'Next.js',
    'oidc-client-ts',
    'Auth0',
    'Microsoft Entra ID',
    'Clerk',
    'A Node backend',
  ])
})

browserTest('the plain page shows the devices of who is signed in', async () => {
  const folder = await project('Plain page')
  // What stands beside the copy for the compiler.
  await writeFile(join(folder, 'browser.d.ts'), `export * from 'seam-token-vending/browser'\n`)
  expect(await complaints(folder, { paths })).toBe('')
  for (const name of ['index.html', 'page.js'])
    doors.files.set(`/${name}`, await readFile(join(folder, name), 'utf8'))
  doors.files
    .set('/', doors.files.get('/index.html') ?? '')
    .set('/browser.js', await bundle(ours['seam-token-vending/browser']))
    .set('/elements.js', await elements())
  const page = await openSite(doors)
  await page.getByText('Front Door').waitFor()
  expect(await page.locator('#status').innerText()).toBe('')
  await page.context().close()
})

browserTest('React and oidc-client-ts: sign in at the provider, see the devices, sign out', async () => {
  await serveReact()
  await signInAndOut(doors)
})

browserTest('a sign-in that is too old: the user signs in again in a small window', async () => {
  await serveReact()
  const page = await openSite(doors)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await signInAtProvider(page)
  await page.getByText('Front Door').waitFor()
  // For the provider and the endpoint; the browser keeps its own.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * maxAuthAgeSeconds * 1000 })
  try {
    const opened = page.waitForEvent('popup')
    await page.reload()
    const popup = await opened
    const closed = popup.waitForEvent('close')
    await signInAtProvider(popup)
    await closed
    await page.getByText('Front Door').waitFor()
  } finally {
    vi.useRealTimers()
  }
  const codes = doors.world.log.map(({ code, status }) => code ?? status)
  expect(codes.slice(-2)).toEqual(['insufficient_user_authentication', 200])
  await page.context().close()
})

async function serveReact(): Promise<void> {
  const folder = await project('Vite and React', 'oidc-client-ts')
  await rm(join(folder, 'vite.config.ts'))
  expect(await complaints(folder, { paths })).toBe('')
  const html = await readFile(join(folder, 'index.html'), 'utf8')
  doors.files
    .set('/', html.replace('/src/main.tsx', '/main.js'))
    .set('/main.js', await bundle(join(folder, 'src', 'main.tsx')))
}

test('the backend gives doors and closes them, through AWS’s SDK and the real commands', async () => {
  const folder = await project('A Node backend')
  await copyFile(join(root, 'functions', 'operator', 'client.ts'), join(folder, 'src', 'client.ts'))
  expect(await complaints(folder)).toBe('')

  const { world } = doors
  const { issuer, audience } = world.identityProvider
  const configuration = { issuers: [{ name: 'auth0', issuer, audiences: [audience] }] }
  const { administer, close } = adminOver(world.addresses, { configuration })
  const machine = world.another({ configuration })
  const bearer = await world.token('bea')
  const vend = () => ask(machine, { token: bearer })
  const cloud = await startCloud()
  cloud.functions.set('the-AdminFunction', (event) =>
    administer(event, { requestId: 'r', deadline: deadlineIn(times.admin, Date.now) }),
  )
  const environment = { ...cloud.environment, ADMIN_FUNCTION: 'the-AdminFunction' }
  const said = await runHere(async () => {
    const { setDoors, closeDoors } = await import(/* @vite-ignore */ join(folder, 'src', 'doors.ts'))
    await setDoors('bea', world.seam.users[1]?.connected_account_ids, new Date(Date.now() + 3_600_000))
    const { body } = await vend()
    expect((await devicesOf(world.seam, body.token)).length).toBeGreaterThan(0)
    expect([await closeDoors('bea'), await closeDoors('nobody')]).toEqual([true, true])
    await expect(devicesOf(world.seam, body.token)).rejects.toThrow('401')
    return (await vend()).status
  }, environment)
  close()
  await cloud.close()
  expect(said.code).toBe(403)
})
