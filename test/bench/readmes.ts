import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { costSentence, modelTables } from './model/tables.ts'
import { between, tables } from './report.ts'
import type { Results } from './results.ts'

/** The generated parts of the README, and of the one beside this file which has all of it. */

const here = import.meta.dirname

/** results.json, and what was measured by hand: ci.json, `{"seconds", "firstEdition", "at"}`. */
export function readResults(): Results {
  const read = (name: string) => JSON.parse(readFileSync(`${here}/${name}`, 'utf8'))
  return { ...read('results.json'), ...(existsSync(`${here}/ci.json`) && { ci: read('ci.json') }) }
}

/** Each file with its text, tables made anew from the results and the model. */
export function readmes(): { file: string; before: string; after: string }[] {
  const long = { bench: tables(readResults()), model: modelTables() }
  return [written(`${here}/../../README.md`, { model: costSentence() }), written(`${here}/README.md`, long)]
}

export function rewriteReadmes(): void {
  for (const { file, before, after } of readmes()) if (after !== before) writeFileSync(file, after)
}

function written(file: string, parts: Record<string, string>) {
  const before = readFileSync(file, 'utf8')
  const after = Object.entries(parts).reduce((text, [mark, content]) => between(text, mark, content), before)
  return { file, before, after }
}
