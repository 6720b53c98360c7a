import { execFileSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { build, type Metafile } from 'esbuild'
import { bundle, type Entry, project } from './bundle.ts'

/**
 * Writes `dist/`, which is what others install: Node runs no TypeScript under `node_modules`. `npm pack` calls this.
 *
 *     browser.js, browser/         the page's helper, one file without dependencies
 *     token-vending.js             the construct, for other CDK apps
 *     bundles/<entry>/             what it deploys, but for the configuration; `packed-bundle.ts` says how that gets in
 */

const dist = `${project}/dist`
const entries: Record<Entry, true> = {
  vend: true,
  connect: true,
  webhook: true,
  'identity-events': true,
  cleanup: true,
  admin: true,
}

await rm(dist, { recursive: true, force: true })
await Promise.all([writeHelper(), writeConstruct(), writeFunctions(), writeTypes()])

async function writeHelper(): Promise<void> {
  await build({
    entryPoints: [`${project}/functions/browser/client-session.ts`],
    outfile: `${dist}/browser.js`,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    banner: {
      js: '// The page’s side of seam-token-vending (MIT License). See browser/client-session.d.ts for how to use it.',
    },
  })
}

async function writeConstruct(): Promise<void> {
  const options = { bundle: true, format: 'esm', platform: 'node', packages: 'external' } as const
  await build({
    ...options,
    entryPoints: [`${project}/infra/stack/token-vending.ts`],
    outfile: `${dist}/token-vending.js`,
  })
  await build({
    ...options,
    entryPoints: [`${project}/infra/stack/packed-bundle.ts`],
    outfile: `${dist}/bundle.js`,
  })
}

async function writeFunctions(): Promise<void> {
  const metafiles = await Promise.all(
    Object.keys(entries).map((entry) => bundle(entry as Entry, undefined, `${dist}/bundles/${entry}`)),
  )
  await writeFile(`${dist}/bundles/LICENSES.txt`, await licenses(metafiles))
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

async function writeTypes(): Promise<void> {
  execFileSync(
    process.execPath,
    [`${project}/node_modules/typescript/bin/tsc`, '-p', `${import.meta.dirname}/pack.tsconfig.json`],
    { stdio: 'inherit' },
  )
  for (const file of globSync(`${dist}/**/*.d.ts`)) {
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.replaceAll(/(from '\.[^']+)\.ts'/g, "$1.js'"))
  }
  // Beside its file, so that both can be copied.
  await rename(`${dist}/functions/browser`, `${dist}/browser`)
}
