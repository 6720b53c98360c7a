import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { build, type Metafile } from 'esbuild'
import type { CleanupEnvironment } from '../functions/cleanup.ts'
import type { Environment } from '../functions/clients.ts'
import { type Configuration, readConfiguration } from '../functions/config.ts'
import type { WebhookEnvironment } from '../functions/webhook.ts'
import { leanSdk } from './lean-sdk.ts'
import { readyOpenApi } from './ready-openapi.ts'

/** The Lambda entries, `functions/<entry>.ts` with an exported `handler`, and what each reads from its environment. */
export interface Entries {
  vend: Environment
  connect: Environment
  webhook: WebhookEnvironment
  cleanup: CleanupEnvironment
  admin: Environment
}
export type Entry = keyof Entries

/**
 * Writes the one file of an entry's asset, `<entry>.mjs`, with everything in it that it needs: the SDK too, since
 * what is tested shall be what runs, and the runtime's own copy loads slower. Without a configuration one has to be
 * put in later. Returns what went into it.
 */
export async function bundle(
  entry: Entry,
  configuration: Configuration | undefined,
  folder: string,
): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: [`${project}/functions/${entry}.ts`],
    outfile: `${folder}/${entry}.mjs`,
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
    define: { ...(configuration && { TOKEN_VENDING_CONFIGURATION: JSON.stringify(configuration) }) },
    // What Hono asks of the web's own classes, without what Node loads for them.
    inject: [`${project}/infra/bundled/web.ts`],
    plugins: [leanSdk, readyOpenApi],
    metafile: true,
    logLevel: 'warning',
  })
  return metafile
}

const project = dirname(import.meta.dirname)

// Constructs are made synchronously and esbuild's plugins are not, so a construct runs this file as a program:
// `node infra/bundle.ts <entry> <folder>`, with the configuration on its standard input.
if (import.meta.main) {
  const [entry, folder = '.'] = process.argv.slice(2)
  // Read once more: the functions believe what is written here.
  await bundle(entry as Entry, readConfiguration(JSON.parse(readFileSync(0, 'utf8'))), folder)
}
