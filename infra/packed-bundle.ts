import { readFileSync, writeFileSync } from 'node:fs'

/**
 * Stands in for `bundle.ts` in the package, run the same way: the bundles were made and tested when it was packed, so
 * who deploys them needs no bundler and gets no other versions. Only the configuration, a global to them, is theirs.
 */
const [entry, folder = '.'] = process.argv.slice(2)
const configuration = readFileSync(0, 'utf8')
const code = readFileSync(`${import.meta.dirname}/functions/${entry}.mjs`, 'utf8')
writeFileSync(`${folder}/${entry}.mjs`, `const TOKEN_VENDING_CONFIGURATION=${configuration};${code}`)
