import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Patch } from './mistakes.ts'

const root = new URL('../../..', import.meta.url).pathname

/** Copies of the functions and this model, side by side in a temporary folder that is gone after use. */
export function copies() {
  const folder = mkdtempSync(join(tmpdir(), 'mistakes-'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const { compilerOptions } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'))
  // What the model imports, and no more: the same again for every copy.
  const include = ['*/test/functions/model/tell.ts', '*/test/functions/model/progress.ts']
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include }))

  return {
    folder,
    /** A copy with these patches; throws when one does not fit any more. */
    copy(name: string, patches: Patch[]): string {
      const to = join(folder, name)
      for (const part of ['functions', 'test/functions/model']) {
        mkdirSync(join(to, part), { recursive: true })
        cpSync(join(root, part), join(to, part), {
          recursive: true,
          filter: (path) => !path.endsWith('.test.ts'),
        })
      }
      for (const [file, from, into] of patches) {
        const path = join(to, file)
        const text = readFileSync(path, 'utf8')
        const found = text.split(from).length - 1
        if (found !== 1) throw new Error(`${name}: ${file} has ${found} times: ${from}`)
        writeFileSync(
          path,
          text.replace(from, () => into),
        )
      }
      return to
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
