import { execFile } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { codes } from '../functions/http/problem.ts'
import { commands } from '../infra/cli/commands.ts'
import { blocksIn, documents, recipes } from './documents.ts'

/** What the documents show and promise that needs no world to run in; the rest is in readme.test.ts. */

const text = (file: string) => readFileSync(file, 'utf8')

test('the documents link to what there is', () => {
  for (const file of documents) {
    const links = [...text(file).matchAll(/\]\((?!https?:|#)([^)]+)\)/g)].map(([, link = '']) => link)
    const there = links.map((link) => [link, globSync(join(file, '..', link)).length])
    expect(there.filter(([, found]) => found === 0)).toEqual([])
  }
})

test('the documents are short enough to be read, and say why each dependency is there', () => {
  expect(text('README.md').trimEnd().split('\n').length).toBeLessThan(251)
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(text('package.json'))
  const reasons = text('.github/CONTRIBUTING.md')
  const names = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies })
  expect(names.filter((name) => !reasons.includes(`\`${name}\``))).toEqual([])
})

test('the documents say the truth about licences', () => {
  const { packages } = JSON.parse(text('package-lock.json')) as {
    packages: Record<string, { license?: string; link?: true }>
  }
  const permissive = /^\(?(MIT|Apache-2\.0|ISC|0BSD|BSD-[23]-Clause|BlueOak-1\.0\.0|Unlicense)( OR .*)?$/
  const others = Object.entries(packages).filter(
    ([, { link, license = '' }]) => !link && !permissive.test(license),
  )
  // How vitest reads style sheets, and what looks for barriers on pages: under the MPL, and never in what is packed or
  // deployed.
  expect(others.filter(([path]) => !/\/(lightningcss(-\w.*)?|axe-core)$/.test(path))).toEqual([])
})

test('TypeScript in the documents passes the compiler', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'documents-'))
  const typed = documents
    .filter((file) => file !== recipes)
    .flatMap(blocksIn)
    .filter(({ language }) => language === 'ts')
  for (const [index, { text }] of typed.entries()) await writeFile(join(folder, `${index}.ts`), text)
  await writeFile(
    join(folder, 'identity-provider.d.ts'),
    `export declare const identityProvider: {
        getToken(options: { ignoreCache: boolean }): Promise<string | undefined>
        onUserChange(listener: () => void): void
      }`,
  )
  const root = process.cwd()
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: `${root}/tsconfig.json`,
      compilerOptions: {
        paths: { 'seam-token-vending/browser': [`${root}/functions/browser/client-session.ts`] },
        typeRoots: [`${root}/node_modules/@types`],
      },
      include: ['*.ts'],
    }),
  )
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  const complaints = await new Promise<string>((resolve) =>
    execFile(process.execPath, [`${root}/node_modules/typescript/bin/tsc`, '-p', folder], (_, out, err) =>
      resolve(out + err),
    ),
  )
  await rm(folder, { recursive: true })
  expect([complaints, typed.length]).toEqual(['', 2])
})

test('the picture’s arrows lead between those it names', () => {
  const [picture] = blocksIn('README.md').filter(({ language }) => language === 'mermaid')
  const [head, ...lines] = picture?.text.trim().split('\n') ?? []
  expect(head).toBe('sequenceDiagram')
  const names = lines.flatMap((line) => /participant (\w+) as /.exec(line)?.[1] ?? [])
  const wrong = lines.filter((line) => {
    const [, from = '', to = ''] = /^ *(\w+)--?>>(\w+): \S/.exec(line) ?? []
    return !line.includes('participant') && !(names.includes(from) && names.includes(to))
  })
  expect(wrong).toEqual([])
})

test('what comments call by number stands in the design', () => {
  const design = text('functions/DESIGN.md')
  const sources = globSync(['functions/**/*.ts', 'infra/**/*.ts', 'test/**/*.ts'], {
    exclude: (name) => name.includes('node_modules'),
  })
  const named = sources.flatMap((file) =>
    [...text(file).matchAll(/\b[Ll]aw (\d+)|DESIGN (§\d)(?:, rule (\d))?/g)].map(
      ([, law, section, rule]) => ({
        file,
        law,
        section,
        rule,
      }),
    ),
  )
  expect(named.length).toBeGreaterThan(20)
  const [fence = '', laws = ''] = design.split('## §5')
  const missing = named.filter(
    ({ law, section, rule }) =>
      !(law === undefined || laws.includes(`\n${law}. `)) ||
      !(section === undefined || design.includes(`\n## ${section} `)) ||
      !(rule === undefined || fence.includes(`\n${rule}. `)),
  )
  expect(missing).toEqual([])
  for (const code of codes) expect(design).toContain(`\`${code}\``)
})

test('the commands that are named in passing exist', () => {
  const { scripts } = JSON.parse(text('package.json'))
  const named = documents.flatMap((file) =>
    [...text(file).matchAll(/`npm run ([\w-]+)|`(?:npm run admin -- |admin )([a-z][\w-]+)/g)].map(
      ([, script, command]) => ({ file, script, command }),
    ),
  )
  expect(named.length).toBeGreaterThan(15)
  const missing = named.filter(
    ({ script, command }) =>
      (script !== undefined && !(script in scripts)) || (command !== undefined && !(command in commands)),
  )
  expect(missing).toEqual([])
})
