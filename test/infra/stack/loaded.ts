import { resolve } from 'node:path'
import type { Metafile } from 'esbuild'
import { project } from '../../../infra/stack/bundle.ts'

/** What a process loads before its first invocation: that file and, from there, every static import. */
export function loadedAtStart({ outputs }: Metafile, file: string) {
  const paths = new Set(Object.keys(outputs).filter((path) => path.endsWith(`/${file}`)))
  // A set hands out what is added while it is walked.
  for (const path of paths)
    for (const { kind, path: imported, external } of outputs[path]?.imports ?? [])
      if (kind === 'import-statement' && !external) paths.add(imported)
  const loaded = [...paths].flatMap((path) => outputs[path] ?? [])
  return {
    outputs: loaded,
    files: [...paths].map((path) => resolve(project, path)),
    inputs: loaded.flatMap(({ inputs }) =>
      Object.keys(inputs).filter((file) => (inputs[file]?.bytesInOutput ?? 0) > 0),
    ),
  }
}
