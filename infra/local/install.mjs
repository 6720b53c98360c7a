/**
 * Runs before `npm start`, by whatever Node there is: installs what the lock file says, unless that was done
 * already. The Node that runs everything else is among what is installed.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const oldestNode = 20
/** Runs TypeScript as it is. */
const neededNode = 24

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

const node = Number(process.versions.node.split('.')[0])
if (node < oldestNode)
  stop(`Node ${process.versions.node} is too old: install Node ${oldestNode} or later, then try again.`)
if (!isInstalled()) install()
if (node < neededNode && !existsSync(join(root, 'node_modules/node/bin')))
  stop(
    `Node ${neededNode} was not put into node_modules, because npm is told not to run install scripts.`,
    'Run "npm rebuild node --ignore-scripts=false", then try again.',
  )

function install() {
  console.log('Installing what package-lock.json says; this happens once, and again when that file changes.')
  // Also when NODE_ENV says production: the local world is for development. Warnings about the Node that runs this
  // are beside the point: another one runs what is installed.
  const ci = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error']
  // A retry after ten seconds, as by default, makes a missing network look like a slow one.
  const retries = ['--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=10000']
  const options = { cwd: root, stdio: 'inherit', env: withoutKeys(process.env) }
  const { status } = spawnSync('npm', [...ci, ...retries], options)
  if (status !== 0)
    stop(
      '"npm ci" failed; what it says above is why. When the npm registry cannot be reached, check the network and',
      'the proxy: "npm config get registry" and "npm ping" tell more.',
    )
}

/** Packages bring scripts along, which need no key of the user's. */
function withoutKeys(environment) {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => name !== 'SEAM_API_KEY' && !name.startsWith('AWS_')),
  )
}

/** Npm's own record of node_modules, written last, has all that the lock file has. */
function isInstalled() {
  const found = packages('node_modules/.package-lock.json')
  return Object.entries(packages('package-lock.json')).every(
    ([path, { version, integrity, optional }]) =>
      path === '' ||
      (found[path] === undefined
        ? optional
        : found[path].version === version && found[path].integrity === integrity),
  )
}

function packages(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages
  } catch {
    return {}
  }
}

function stop(...lines) {
  console.error(`\n${lines.join('\n')}\n`)
  process.exit(1)
}
