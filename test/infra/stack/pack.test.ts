import { execFile } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { build, transform } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { examplesIn } from '../../functions/browser/examples.ts'

/** What others get: the package as `npm pack` makes it, installed into a project of theirs. */

const run = promisify(execFile)
const root = new URL('../../..', import.meta.url).pathname
let folder: string
let app: string
let tarball: string

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
  const linked = [
    '@seamapi/fake-seam-connect',
    '@seamapi/http',
    '@seamapi/react',
    '@tanstack/query-core',
    '@tanstack/react-query',
    '@types/react',
    'aws-cdk-lib',
    'constructs',
    'dynalite',
    'react',
    'vitest',
  ]
  for (const name of linked) {
    const link = join(app, 'node_modules', name)
    await mkdir(dirname(link), { recursive: true })
    await symlink(join(root, 'node_modules', name), link)
  }
  await write('package.json', {
    private: true,
    type: 'module',
    dependencies: Object.fromEntries(linked.map((name) => [name, '*'])),
  })
  tarball = join(folder, filename)
  await npm(app, 'install', '--offline', '--no-audit', '--no-fund', `../${filename}`)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const npm = (cwd: string, ...args: string[]) => run('npm', args, { cwd })
const write = (name: string, content: string | object) =>
  writeFile(join(app, name), typeof content === 'string' ? content : JSON.stringify(content))
const installed = (name: string) => join(app, 'node_modules', 'seam-token-vending', name)

/** Takes away what Node 20.19 lacks; LONG=1 tries the real one. */
const withoutNewer = `
  delete Object.groupBy; delete Map.groupBy; delete URL.parse; delete Promise.withResolvers; delete Promise.try
  delete Array.fromAsync; delete RegExp.escape; delete globalThis.Iterator
  const iterator = Object.getPrototypeOf(Object.getPrototypeOf([].values()))
  for (const name of Reflect.ownKeys(iterator)) if (name !== Symbol.iterator) delete iterator[name]
  for (const name of ['union', 'intersection', 'difference', 'isSubsetOf', 'isSupersetOf', 'isDisjointFrom'])
    delete Set.prototype[name]`

const asNode20 = ['--import', `data:text/javascript,${encodeURIComponent(withoutNewer)}`]

/** Without what this run of Vitest tells its own workers. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_OPTIONS)/.test(name)),
  )
}

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

/** Which files the compiler complains about. */
const filesIn = (complaints: string) => [
  ...new Set(Array.from(complaints.matchAll(/^(\S+)\(\d/gm), ([, file]) => file)),
]

test('the package holds what is built, the documents, and what they link to', async () => {
  const names = await readdir(installed('.'))
  expect(names.sort()).toEqual([
    '.ci',
    '.github',
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'dist',
    'functions',
    'infra',
    'package.json',
    'test',
  ])
  const documents = globSync('**/*.md', { cwd: installed('.') })
  expect(documents).toEqual(expect.arrayContaining(['README.md', 'functions/browser/README.md']))
  for (const file of documents) {
    const text = await readFile(installed(file), 'utf8')
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)]+)\)/g)].map(([, link = '']) => link)
    expect(links.filter((link) => !existsSync(installed(join(file, '..', link))))).toEqual([])
  }
  const { files } = JSON.parse(await readFile(installed('package.json'), 'utf8'))
  for (const pattern of files)
    expect([pattern, globSync(pattern, { cwd: installed('.') }).length]).not.toEqual([pattern, 0])
  expect(await readFile(installed('dist/LICENSES.txt'), 'utf8')).toMatch(/^jose 6\S+ \(MIT\)$/m)
})

test('it brings nothing along, and what it needs it asks for by name', async () => {
  const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = JSON.parse(
    await readFile(installed('package.json'), 'utf8'),
  )
  expect({ ...dependencies, ...optionalDependencies }).toEqual({})
  const optional = Object.keys(peerDependencies).map((name) => [name, { optional: true }])
  expect(peerDependenciesMeta).toEqual(Object.fromEntries(optional))
  const code = globSync('dist/**/*.js', { cwd: installed('.') }).filter((file) => !/dist\/bundles/.test(file))
  const asked = new Set<string>()
  for (const file of code)
    for (const [, name = ''] of (await readFile(installed(file), 'utf8')).matchAll(
      /(?:\bfrom|\bimport|\brequire)\s?\(?"((?:@[\w-]+\/)?[\w-]+)(?:\/[\w./-]+)?"/g,
    ))
      if (!isBuiltin(name)) asked.add(name)
  // AWS's SDK looks for this one when a signature is for several regions, which ours never are.
  const others = [...asked].filter((name) => !(name in peerDependencies))
  // The page of the local world was bundled when it was packed.
  expect(others.sort()).toEqual(['@aws-sdk/signature-v4-crt', 'esbuild'])
})

test('publint and Are the types wrong? find nothing to say', async () => {
  const bin = (name: string) => join(root, 'node_modules', '.bin', name)
  expect((await run(bin('publint'), ['run', tarball, '--strict'])).stdout).toContain('All good!')
  // In every way of resolving, node10 included, that a package can be looked up.
  const { stdout } = await run(bin('attw'), [
    tarball,
    '--format',
    'json',
    '--ignore-rules',
    'cjs-resolves-to-esm',
  ])
  // What is for tests is an ECMAScript module alone.
  const { CJSResolvesToESM = [], ...problems } = JSON.parse(stdout).problems
  expect(problems).toEqual({})
  expect(CJSResolvesToESM.map(({ entrypoint }: { entrypoint: string }) => entrypoint)).toEqual(['./testing'])
})

test('the program and all that can be imported run on Node 20', async () => {
  const node = (...words: string[]) => run(process.execPath, [...asNode20, ...words], { cwd: app })
  expect((await node('-p', 'String([Map.groupBy, URL.parse])')).stdout).toBe(',\n')
  const bin = installed('dist/node/cli.js')
  expect((await node(bin, '--version')).stdout).toBe('0.1.0\n')
  await expect(node(bin, 'list')).rejects.toMatchObject({ code: 6, stderr: /No local world runs/ })
  for (const name of ['', '/browser', '/react']) {
    const named = `seam-token-vending${name}`
    const loaded = `console.log(Object.keys(it).sort().join())`
    const { stdout: esm } = await node(
      '--input-type=module',
      '-e',
      `import * as it from '${named}'; ${loaded}`,
    )
    const { stdout: cjs } = await node(
      '--input-type=commonjs',
      '-e',
      `const it = require('${named}'); ${loaded}`,
    )
    expect(cjs).toBe(esm)
  }
})

test('a stranger’s Vitest test starts the local world, also as on Node 20', async () => {
  await write(
    'doors.test.ts',
    `import { startWorld } from 'seam-token-vending/testing'
    import { expect, test } from 'vitest'

    test('ada sees her devices', async () => {
      const world = await startWorld()
      const headers = { authorization: 'Bearer ' + (await world.signIn('ada')) }
      const response = await fetch(world.url + '/client-session', { method: 'POST', headers })
      const { token } = (await response.json()) as { token: string }
      expect(world.sessions('ada')).toMatchObject([{ token, live: true }])
      world.seam.break({ kind: 'reset', times: 1 })
      expect((await fetch(world.page + '/page.js')).status).toBe(200)
      await world.stop()
    })`,
  )
  expect(
    await complaints(['doors.test.ts'], { skipLibCheck: true, lib: ['es2022', 'dom', 'esnext.disposable'] }),
  ).toBe('')
  const vitest = join(app, 'node_modules', 'vitest', 'vitest.mjs')
  const { stdout } = await run(process.execPath, [vitest, 'run', '--root', app, '--testTimeout=300000'], {
    cwd: app,
    env: { ...cleanEnvironment(), NO_COLOR: '1' },
  })
  expect(stdout).toMatch(/Tests +1 passed/)
  const start = `const { startWorld } = await import('seam-token-vending/testing'); await (await startWorld()).stop()`
  await run(process.execPath, [...asNode20, '--input-type=module', '-e', start], { cwd: app })
})

test('whoever lacks what the local world needs is told what to install', async () => {
  const bare = join(folder, 'bare')
  await mkdir(join(bare, 'node_modules'), { recursive: true })
  await cp(installed('.'), join(bare, 'node_modules', 'seam-token-vending'), { recursive: true })
  const start = `const { startWorld } = await import('seam-token-vending/testing'); await startWorld()`
  await expect(
    run(process.execPath, ['--input-type=module', '-e', start], { cwd: bare }),
  ).rejects.toMatchObject({
    stderr: expect.stringContaining('npm install --save-dev dynalite @seamapi/fake-seam-connect'),
  })
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
    'seam-token-vending/dist/esm/browser.js',
    '<stdin>',
  ])
  const { clientSession } = await import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0]?.contents ?? '').toString('base64')}`
  )
  expect(clientSession({ url: '', getToken() {} })).toMatchObject({ signOut: expect.any(Function) })
})

test('the examples in its documentation are type-checked as they stand', async () => {
  const documented = ['client-session', 'use-client-session'].map((name) =>
    installed(`dist/esm/types/functions/browser/${name}.d.ts`),
  )
  const texts = await Promise.all(documented.map((file) => readFile(file, 'utf8')))
  const examples = texts.flatMap(examplesIn)
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
    'wrong.ts',
    `import { sessions } from './seam-components.js'; sessions.getClientSession({ stale: 1 })`,
  )
  const files = [...examples.map(([name]) => `${name}.ts`), 'wrong.ts']
  expect(filesIn(await complaints(files, { skipLibCheck: true }))).toEqual(['wrong.ts'])
  expect(await complaints(['seam-components.ts'])).toBe('')
})

test('another CDK app, the example in the documentation, synthesises the construct', async () => {
  const [example] = examplesIn(
    await readFile(installed('dist/esm/types/infra/stack/token-vending.d.ts'), 'utf8'),
  )
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

test('a CDK app in CommonJS has the types and the construct', async () => {
  const [example] = examplesIn(
    await readFile(installed('dist/esm/types/infra/stack/token-vending.d.ts'), 'utf8'),
  )
  await write('app.cts', example?.[1] ?? '')
  const wrong = (example?.[1] ?? '').replace("deployment: 'prod'", 'deployment: 1')
  await write('wrong.cts', wrong)
  const said = await complaints(['app.cts', 'wrong.cts'], { skipLibCheck: true, module: 'node16' })
  expect([filesIn(said), said]).toEqual([['wrong.cts'], expect.stringContaining('TS2322')])
  const { code } = await transform(example?.[1] ?? '', { loader: 'ts', format: 'cjs' })
  await write('app.cjs', code)
  const out = join(app, 'cdk.cjs.out')
  await run(process.execPath, ['app.cjs'], { cwd: app, env: { ...process.env, CDK_OUTDIR: out } })
  const inEsm = join(app, 'cdk.out', 'doors.template.json')
  expect(await readFile(join(out, 'doors.template.json'), 'utf8')).toBe(await readFile(inEsm, 'utf8'))
})
