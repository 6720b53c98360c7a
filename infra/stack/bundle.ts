import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { build, type Metafile } from 'esbuild'
import { type Configuration, readConfiguration } from '../../functions/config.ts'
import type { Entry } from '../../functions/table/keys.ts'
import { readyOpenApi } from './ready-openapi.ts'
import { packageVersion } from './release.ts'

/**
 * Writes an entry's asset: `<entry>.mjs` at its root, and in `chunks/` what is imported when it is needed. The SDK is
 * in it too, since what is tested shall be what runs. Without a configuration the code looks for it in `globalThis`.
 * Returns what went into it.
 */
export async function bundle(
  entry: Entry,
  configuration: Configuration | undefined,
  folder: string,
): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: [`${project}/functions/entries/${entry}.ts`],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunks/[name]-[hash]',
    // Else what is imported later would be loaded with the rest.
    splitting: true,
    absWorkingDir: project,
    bundle: true,
    minify: true,
    legalComments: 'none',
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // esbuild prefers CommonJS for this platform, from which nothing can be shaken.
    mainFields: ['module', 'main'],
    // A function's environment ends at 4 KB, so the configuration travels in the code.
    define: {
      TOKEN_VENDING_VERSION: JSON.stringify(packageVersion()),
      ...(configuration && { TOKEN_VENDING_CONFIGURATION: JSON.stringify(configuration) }),
    },
    // What Hono asks of the web's own classes, without what Node loads for them.
    inject: [`${project}/infra/stack/bundled/web.ts`],
    plugins: [readyOpenApi],
    metafile: true,
    logLevel: 'warning',
  })
  return metafile
}

export const project = dirname(dirname(import.meta.dirname))

// Constructs are made synchronously and esbuild's plugins are not, so a construct runs this file as a program:
// `node infra/stack/bundle.ts <entry> <folder>`, with the configuration on its standard input.
if (import.meta.main) {
  const [entry, folder = '.'] = process.argv.slice(2)
  // Read once more: the functions believe what is written here.
  await bundle(entry as Entry, readConfiguration(JSON.parse(readFileSync(0, 'utf8'))), folder)
}
