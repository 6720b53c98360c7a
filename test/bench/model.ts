import { modelTables } from './model/tables.ts'
import { rewriteReadmes } from './readmes.ts'

/**
 * `npm run model`: cost and scale on paper that runs. Every formula stands in model/, with its units and sources; change
 * a number there and see. Prints the tables, and writes them into the READMEs.
 */
console.log(modelTables())
rewriteReadmes()
