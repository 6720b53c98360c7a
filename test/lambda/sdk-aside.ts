import { globSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Takes the code of the AWS SDK out of an unpacked asset: what is loaded by way of it alone. Returns how to put it back. */
export function sdkAside(asset: string): () => void {
  const files = globSync('{*,chunks/*}.mjs', { cwd: asset })
  const isDoor = (file: string) => /(dynamodb|secrets-manager)-sdk-\w+\.mjs$/.test(file)
  const kept = new Set(files.filter((file) => dirname(file) === '.'))
  // A set hands out what is added while it is walked.
  for (const file of kept)
    for (const [, path = ''] of readFileSync(join(asset, file), 'utf8').matchAll(
      /["']\.\/([\w./-]+\.mjs)["']/g,
    )) {
      const imported = join(dirname(file), path)
      if (!isDoor(imported)) kept.add(imported)
    }
  const moved = files.filter((file) => !kept.has(file))
  if (moved.filter(isDoor).length !== 2) throw new Error(`the SDK is not where it was: ${files}`)
  for (const file of moved) {
    mkdirSync(dirname(join(asset, 'aside', file)), { recursive: true })
    renameSync(join(asset, file), join(asset, 'aside', file))
  }
  return () => {
    for (const file of moved) renameSync(join(asset, 'aside', file), join(asset, file))
  }
}
