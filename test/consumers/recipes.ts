import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { blocksIn, recipes as file } from '../documents.ts'

/** The files that RECIPES.md shows, as a reader would write them. */

export const root = new URL('../..', import.meta.url).pathname

/** The first line of each block names it. */
const named = /^(?:\/\/|<!--) ([\w./-]+\.(?:html|js|tsx?))(?: -->)?\n/

/** By the heading of its recipe, each file's text by its name. */
export async function readRecipes(): Promise<Map<string, Record<string, string>>> {
  const lines = (await readFile(join(root, file), 'utf8')).split('\n')
  const recipes = new Map<string, Record<string, string>>()
  for (const { line, text } of blocksIn(file)) {
    const heading = lines.slice(0, line).findLast((it) => it.startsWith('## ')) ?? ''
    const [first = '', name] = named.exec(text) ?? []
    if (name === undefined) throw new Error(`${file}:${line} does not name its file`)
    const files = recipes.get(heading.slice(3)) ?? {}
    if (name in files) throw new Error(`${file}:${line} shows ${name} again`)
    recipes.set(heading.slice(3), { ...files, [name]: text.slice(first.length) })
  }
  return recipes
}

/** A project in this folder, whose `node_modules` it then sees; git ignores it, and the caller removes it. */
export async function writeProject(below: string, files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(below, '.recipes-'))
  await writeFile(join(folder, 'package.json'), '{"private":true,"type":"module"}')
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return folder
}

/** What the compiler has to say about a project. */
export async function complaints(folder: string, compilerOptions: object = {}): Promise<string> {
  const settings = {
    target: 'es2022',
    lib: ['es2023', 'dom', 'dom.iterable'],
    module: 'esnext',
    moduleResolution: 'bundler',
    jsx: 'react-jsx',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    allowJs: true,
    checkJs: true,
    allowImportingTsExtensions: true,
    isolatedModules: true,
    skipLibCheck: true,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
    ...compilerOptions,
  }
  const config = { compilerOptions: settings, include: ['**/*.ts', '**/*.tsx', '**/*.js'] }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  return new Promise((resolve) =>
    execFile(process.execPath, [compiler, '-p', folder], { cwd: folder }, (_, out, err) =>
      resolve(out + err),
    ),
  )
}
