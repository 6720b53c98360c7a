import { readFileSync } from 'node:fs'

/** What stands in a document between ``` and ```. */
export interface Block {
  file: string
  line: number
  language: string
  text: string
  /** Nobody runs it, and what is written just before it says why. */
  isExcused: boolean
}

/** Written to disk, compiled and run in test/consumers/. */
export const recipes = 'functions/browser/RECIPES.md'

export const documents = [
  'README.md',
  'functions/DESIGN.md',
  'functions/browser/README.md',
  recipes,
  'infra/OPERATING.md',
  'infra/IDENTITY-EVENTS.md',
  'infra/FROM-A-SNIPPET.md',
  'infra/client-session-paths.md',
  'test/bench/README.md',
  'test/functions/attacks/THREATS.md',
  '.github/CHANGELOG.md',
  '.github/CONTRIBUTING.md',
  '.github/SECURITY.md',
]

export function blocksIn(file: string): Block[] {
  const document = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
  return [...document.matchAll(/^( *)```(\w*)\n(.*?)^\1```$/gms)].map((found) => {
    const [, indent = '', language = '', text = ''] = found
    const before = document.slice(0, found.index)
    const paragraph =
      before
        .trimEnd()
        .split(/\n *\n/)
        .at(-1)
        ?.replaceAll(/\s+/g, ' ') ?? ''
    return {
      file,
      line: before.split('\n').length,
      language,
      text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      isExcused: /not run by a test/i.test(paragraph),
    }
  })
}
