import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Patch } from './defences.ts'

/** The source as it was when this was called: path and text of each file in `functions/`. */
export function sourceIn(root: string): Map<string, string> {
  const files = globSync('functions/**/*.ts', { cwd: root })
  return new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]))
}

/** The one file that has this text, once; everything else is a mistake in the list of defences. */
export function placeOf({ text }: Patch, source: Map<string, string>): string {
  const places = [...source].flatMap(([file, content]) =>
    Array<string>(content.split(text).length - 1).fill(file),
  )
  const [place] = places
  if (place === undefined || places.length > 1)
    throw new Error(`in functions/ there must be once, not ${places.length} times: ${text}`)
  return place
}
