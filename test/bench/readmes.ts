import { readFileSync, writeFileSync } from 'node:fs'
import { costSentence, modelTables } from './model/tables.ts'
import { between, tables } from './report.ts'
import type { Results } from './results.ts'

/** The generated sentence of the README, and the tables of the one beside this file. */

const here = import.meta.dirname

/** Each file with its text, tables made anew from results.json and the model. */
export function readmes(): { file: string; before: string; after: string }[] {
  const results = JSON.parse(readFileSync(`${here}/results.json`, 'utf8')) as Results
  const short = { model: costSentence() }
  const long = { bench: tables(results), model: modelTables() }
  return [written(`${here}/../../README.md`, short), written(`${here}/README.md`, long)]
}

export function rewriteReadmes(): void {
  for (const { file, before, after } of readmes()) if (after !== before) writeFileSync(file, after)
}

function written(file: string, parts: Record<string, string>) {
  const before = readFileSync(file, 'utf8')
  const after = Object.entries(parts).reduce((text, [mark, content]) => between(text, mark, content), before)
  return { file, before, after }
}
