import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

// What the benchmark compares with is not in the product's own tree: it is installed here when its lock file is new.

const here = import.meta.dirname
const noted = `${here}/node_modules/.lock-hash`
const hash = createHash('sha256')
  .update(readFileSync(`${here}/package-lock.json`))
  .digest('hex')

if (!existsSync(noted) || readFileSync(noted, 'utf8') !== hash) {
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: here, stdio: 'inherit' })
  writeFileSync(noted, hash)
}
