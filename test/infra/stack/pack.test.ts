import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { examplesIn } from '../../functions/browser/examples.ts'

/** What others get: the package as `npm pack` makes it, installed into a project of theirs. */

const run = promisify(execFile)
const root = new URL('../../..', import.meta.url).pathname
let folder: string
let app: string

const tsconfig = {
  compilerOptions: {
    target: 'es2022',
    lib: ['es2022', 'dom'],
    module: 'nodenext',
    strict: true,
    noEmit: true,
    types: [],
  },
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'packed-'))
  app = join(folder, 'app')
  const { stdout } = await npm(root, 'pack', '--json', '--pack-destination', folder)
  const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('[\n')))

  // What is installed here already needs no network: npm takes it as it is when its version fits.
  const linked = ['@seamapi/http', '@tanstack/query-core', 'aws-cdk-lib', 'constructs']
  const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  for (const name of [...linked, ...Object.keys(dependencies)]) {
    const link = join(app, 'node_modules', name)
    await mkdir(dirname(link), { recursive: true })
    await symlink(join(root, 'node_modules', name), link)
  }
  await write('package.json', {
    private: true,
    type: 'module',
    dependencies: Object.fromEntries(linked.map((name) => [name, '*'])),
  })
  await npm(app, 'install', '--offline', '--omit=optional', '--no-audit', '--no-fund', `../${filename}`)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const npm = (cwd: string, ...args: string[]) => run('npm', args, { cwd })
const write = (name: string, content: string | object) =>
  writeFile(join(app, name), typeof content === 'string' ? content : JSON.stringify(content))
const installed = (name: string) => join(app, 'node_modules', 'seam-token-vending', name)

/** What the compiler complains about in these files of the project. */
async function complaints(files: string[], options: object = {}): Promise<string> {
  await write('tsconfig.json', {
    compilerOptions: { ...tsconfig.compilerOptions, ...options },
    files,
  })
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  return run(process.execPath, [compiler, '-p', '.'], { cwd: app }).then(
    () => '',
    ({ stdout }: { stdout: string }) => stdout,
  )
}

test('the package holds what is built, and nothing of the project beside it', async () => {
  const names = await readdir(installed('.'))
  expect(names.filter((name) => !/^(README|LICENSE)/.test(name)).sort()).toEqual(['dist', 'package.json'])
  expect(await readFile(installed('dist/bundles/LICENSES.txt'), 'utf8')).toMatch(/^jose 6\S+ \(MIT\)$/m)
})

test('the helper is bundled for a page: one file, nothing else', async () => {
  const { metafile, outputFiles } = await build({
    stdin: { contents: `export { clientSession } from 'seam-token-vending/browser'`, resolveDir: app },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    metafile: true,
  })
  expect(Object.keys(metafile.inputs).map((file) => file.replace(/^.*node_modules\//, ''))).toEqual([
    'seam-token-vending/dist/browser.js',
    '<stdin>',
  ])
  const { clientSession } = await import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0]?.contents ?? '').toString('base64')}`
  )
  expect(clientSession({ url: '', getToken() {} })).toMatchObject({ signOut: expect.any(Function) })
})

test('the examples in its documentation are type-checked as they stand', async () => {
  const documentation = await readFile(installed('dist/browser/client-session.d.ts'), 'utf8')
  const examples = examplesIn(documentation)
  expect(examples.map(([name]) => name)).toEqual(['seam-components', 'seam-s-sdk', 'react'])
  for (const [name, code] of examples) await write(`${name}.ts`, code)
  await write(
    'identity-provider.ts',
    `export declare const identityProvider: {
      getToken(options: { ignoreCache: boolean }): Promise<string | undefined>
      onUserChange(listener: () => void): void
      signOut(): Promise<void>
    }`,
  )
  await write(
    'react.d.ts',
    `declare module 'react' {
      export function createElement(type: string, props: Record<string, string>): object
      export function useEffect(effect: () => () => void, dependencies: unknown[]): void
      export function useState<S>(initial: S): [S, (next: S) => void]
    }`,
  )
  expect(
    await complaints([...examples.map(([name]) => `${name}.ts`), 'react.d.ts'], { skipLibCheck: true }),
  ).toBe('')
  expect(await complaints(['seam-components.ts'])).toBe('')
  await write(
    'wrong.ts',
    `import { sessions } from './seam-components.js'; sessions.getClientSession({ stale: 1 })`,
  )
  expect(await complaints(['wrong.ts'])).toContain('wrong.ts')
})

test('another CDK app, the example in the documentation, synthesises the construct', async () => {
  const [example] = examplesIn(await readFile(installed('dist/infra/stack/token-vending.d.ts'), 'utf8'))
  await write('app.ts', example?.[1] ?? '')
  expect(await complaints(['app.ts'], { skipLibCheck: true })).toBe('')
  const out = join(app, 'cdk.out')
  await run(process.execPath, ['app.ts'], { cwd: app, env: { ...process.env, CDK_OUTDIR: out } })
  const { Resources } = JSON.parse(await readFile(join(out, 'doors.template.json'), 'utf8'))
  const handlers = Object.values(
    Resources as Record<string, { Type: string; Properties: { Handler: string } }>,
  )
    .filter(({ Type }) => Type === 'AWS::Lambda::Function')
    .map(({ Properties }) => Properties.Handler.replace('.handler', '.mjs'))
  expect(handlers).toContain('vend.mjs')
  const assets = (await readdir(out)).filter((name) => name.startsWith('asset.'))
  const files = await Promise.all(assets.map((name) => readdir(join(out, name))))
  const roots = files.flat().filter((name) => name !== 'chunks' && name !== 'configuration.mjs')
  expect(roots.sort()).toEqual(handlers.sort())
  const vend = join(out, assets[files.findIndex((names) => names.includes('vend.mjs'))] ?? '', 'vend.mjs')
  const started = await run(
    process.execPath,
    ['-e', `import('${vend}').then((it) => console.log(Object.keys(it)))`],
    {
      env: {
        ...process.env,
        TABLE_NAME: 't',
        SEAM_API_KEY_SECRET_ARN: 'a',
        SEALING_KEY_SECRET_ARN: 's',
        AWS_REGION: 'eu-west-1',
      },
    },
  )
  expect(started.stdout).toContain('handler')
})
