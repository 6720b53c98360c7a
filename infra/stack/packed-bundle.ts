import { cpSync, readFileSync, writeFileSync } from 'node:fs'

/**
 * Replaces `bundle.ts` in the package and runs the same way: the bundles were made and tested when it was packed, so
 * a deployment needs no bundler and gets no other versions. Only the configuration is added: a module that is imported
 * before all others, since any of them may read it.
 */
const [entry, folder = '.'] = process.argv.slice(2)
const configuration = readFileSync(0, 'utf8')
cpSync(`${import.meta.dirname}/../bundles/${entry}`, folder, { recursive: true })
const code = readFileSync(`${folder}/${entry}.mjs`, 'utf8')
writeFileSync(`${folder}/configuration.mjs`, `globalThis.TOKEN_VENDING_CONFIGURATION=${configuration}`)
writeFileSync(`${folder}/${entry}.mjs`, `import './configuration.mjs';${code}`)
