import { globSync } from 'node:fs'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild'
import { access, type Entry } from '../../functions/table/keys.ts'
import packageJson from '../../package.json' with { type: 'json' }
import { bundlePage } from '../local/page/server.ts'
import { bundle, project } from './bundle.ts'
import { writeTypes } from './packed-types.ts'

/**
 * Writes `dist/`, which is what others install: Node runs no TypeScript under `node_modules`. `npm pack` calls this.
 *
 *     esm/, cjs/                   the helper and the hook for pages, the construct for CDK apps; types beside them
 *     node/                        the operator's program and the local world for tests, with AWS's SDK in shared chunks
 *     bundles/<entry>/             what the construct deploys, but for the configuration; `packed-bundle.ts` adds that
 *
 * Everything is bundled but the optional peers, so whoever wants the helper installs one package. AWS's six clients make
 * up 1.5 MB of it; as dependencies they would put 30 MB on the disk of every page's developer.
 */

const dist = `${project}/dist`

const shared = {
  absWorkingDir: project,
  bundle: true,
  external: Object.keys(packageJson.peerDependencies),
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
} as const satisfies BuildOptions

/** What Node 20 does not have yet: a library must not add it to the globals of others. */
const node20 = {
  platform: 'node',
  target: 'node20.19',
  mainFields: ['module', 'main'],
  inject: [`${import.meta.dirname}/bundled/node20.ts`],
  define: {
    'Map.groupBy': 'mapGroupBy',
    'Object.groupBy': 'objectGroupBy',
    'URL.parse': 'parseUrl',
    // AWS's SDK would ask on each command for a newer Node, so that newer SDKs can be installed. This one is bundled.
    'process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED': '"true"',
  },
} as const satisfies BuildOptions

/** The hook uses the helper that is beside it, so that a page has it once. */
const besideIt: Plugin = {
  name: 'beside it',
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/client-session\.ts$/ }, ({ kind }) =>
      kind === 'entry-point' ? undefined : { path: './browser.js', external: true },
    ),
}

const pages: BuildOptions = {
  entryPoints: {
    browser: 'functions/browser/client-session.ts',
    react: 'functions/browser/use-client-session.ts',
  },
  plugins: [besideIt],
  target: 'es2022',
  banner: {
    js: '// The page’s side of seam-token-vending (MIT License). See its types for how to use it.',
  },
}

const construct: BuildOptions = {
  ...node20,
  entryPoints: {
    'token-vending': 'infra/stack/token-vending.ts',
    bundle: 'infra/stack/packed-bundle.ts',
  },
}

await rm(dist, { recursive: true, force: true })
const [programs, ...others] = await Promise.all([
  writePrograms(),
  inBoth(pages),
  inBoth(construct),
  writeFunctions(),
])
// Where those who install a package look for it.
await cp(`${project}/.github/CHANGELOG.md`, `${project}/CHANGELOG.md`)
await writeFile(`${dist}/LICENSES.txt`, await licenses([programs, ...others.flat()]))
await writeTypes(dist)

/** In both module systems: jest and CDK apps still `require`. */
async function inBoth(options: BuildOptions): Promise<Metafile[]> {
  const inCjs = { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' }
  const define = { ...options.define, ...inCjs }
  const results = await Promise.all([
    build({ ...shared, ...options, format: 'esm', outdir: `${dist}/esm` }),
    build({ ...shared, ...options, format: 'cjs', outdir: `${dist}/cjs`, define }),
  ])
  await writeFile(`${dist}/cjs/package.json`, '{"type":"commonjs"}\n')
  return results.flatMap(({ metafile }) => metafile ?? [])
}

async function writePrograms(): Promise<Metafile> {
  const { metafile } = await build({
    ...shared,
    ...node20,
    entryPoints: { cli: 'infra/cli/main.ts', testing: 'infra/local/testing.ts' },
    external: [...shared.external, 'esbuild'],
    alias: { 'node:sqlite': `${import.meta.dirname}/bundled/sqlite.ts` },
    outdir: `${dist}/node`,
    chunkNames: 'chunks/[name]-[hash]',
    format: 'esm',
    splitting: true,
    minifySyntax: true,
    minifyWhitespace: true,
    // Some of what is bundled is CommonJS.
    banner: {
      js: `import{createRequire as requireOf}from'node:module';const require=requireOf(import.meta.url);`,
    },
  })
  // The local world's page, where the world's chunk looks for it.
  const pages = `${dist}/node/chunks/public`
  await cp(`${project}/infra/local/page/public`, pages, { recursive: true })
  await writeFile(`${pages}/page.js`, await bundlePage())
  return metafile
}

function writeFunctions(): Promise<Metafile[]> {
  const entries = Object.keys(access) as Entry[]
  return Promise.all(entries.map((entry) => bundle(entry, undefined, `${dist}/bundles/${entry}`)))
}

/** Their licences must go with the packages. */
async function licenses(metafiles: Metafile[]): Promise<string> {
  const files = metafiles.flatMap(({ inputs }) => Object.keys(inputs))
  const folders = files.flatMap((file) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? [])
  const packages: Record<string, string[]> = {}
  for (const folder of [...new Set(folders)].sort()) {
    const { name, version, license } = JSON.parse(await readFile(`${project}/${folder}/package.json`, 'utf8'))
    const [file] = globSync('{LICENSE,LICENCE}*', { cwd: `${project}/${folder}` })
    const text = file === undefined ? '' : await readFile(`${project}/${folder}/${file}`, 'utf8')
    packages[text.trim()] = [...(packages[text.trim()] ?? []), `${name} ${version} (${license})`]
  }
  const parts = Object.entries(packages).map(([text, names]) => `${names.join('\n')}\n\n${text}\n`)
  return parts.join(`\n${'-'.repeat(80)}\n\n`)
}
