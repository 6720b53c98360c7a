import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { mistakes } from './mistakes.ts'
import { pinned } from './pinned.ts'
import { progress } from './progress.ts'

/**
 * Plays in each copy what is pinned for it, and prints what that broke. In a process of its own: the copies are run as
 * they are, by Node alone.
 */
const [folder = '', ...names] = process.argv.slice(2)
Error.stackTraceLimit = 0
const scenarios = pinned()
const broken: Record<string, string | undefined> = {}
for (const name of names) {
  const mistake = mistakes[Number(name)]
  const model = pathToFileURL(join(folder, name, 'test/functions/model/')).href
  if (mistake === undefined) {
    const { play } = (await import(`${model}play.ts`)) as typeof import('./play.ts')
    const { checkProgress } = (await import(`${model}progress.ts`)) as typeof import('./progress.ts')
    for (const { name, breaks } of mistakes) {
      const scenario = scenarios.get(name)
      if (scenario !== undefined) broken[name] = (await play(scenario)).failure?.detail
      else if (breaks in progress) broken[name] = await checkProgress(breaks as keyof typeof progress)
    }
  } else if (mistake.breaks in progress) {
    const { checkProgress } = (await import(`${model}progress.ts`)) as typeof import('./progress.ts')
    const wrong = await checkProgress(mistake.breaks as keyof typeof progress)
    broken[mistake.name] = wrong === undefined ? undefined : mistake.breaks
  } else {
    const { play } = (await import(`${model}play.ts`)) as typeof import('./play.ts')
    const scenario = scenarios.get(mistake.name)
    broken[mistake.name] = scenario && (await play(scenario)).failure?.invariant
  }
}
console.log(JSON.stringify(broken))
