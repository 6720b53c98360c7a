import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Browser, chromium } from 'playwright-core'
import { passed, wrote } from '../../leaks.ts'

/** A real browser out of `node_modules`, also for machines without the libraries and fonts that it needs. */

const folderOfPackage = dirname(dirname(fileURLToPath(import.meta.resolve('@sparticuz/chromium'))))
const cache = fileURLToPath(new URL('../../../node_modules/.cache', import.meta.url))

/**
 * Starts Chromium; the caller closes it. Its rules for pages are those of any browser (the package's own arguments
 * would switch them off), and it reaches nothing but this machine.
 */
export async function startChromium(): Promise<Browser> {
  const folder = await unpacked()
  const start = (libraries: Record<string, string>) =>
    chromium.launch({
      executablePath: join(folder, 'chromium'),
      // It opens pages of this project only, and neither root nor many a container may have a sandbox.
      chromiumSandbox: false,
      args: [
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
        '--disable-quic',
        '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
      ],
      env: { ...process.env, FONTCONFIG_PATH: join(folder, 'fonts'), ...libraries },
    })
  // The machine's own libraries fit its other libraries best; where some are missing it does not start.
  const browser = await start({}).catch(() => start({ LD_LIBRARY_PATH: join(folder, 'al2023', 'lib') }))
  return overheard(browser)
}

/** What its pages print, and which addresses they ask, others can read; what they send and are answered are secrets. */
function overheard(browser: Browser): Browser {
  const newContext = browser.newContext.bind(browser)
  // `newPage` makes its context here too.
  browser.newContext = async (options) => {
    const context = await newContext(options)
    context.on('console', (message) => wrote(message.text()))
    context.on('weberror', (thrown) => wrote(String(thrown.error())))
    context.on('request', (request) => {
      wrote(request.url())
      passed(request.headers().authorization ?? '')
    })
    return context
  }
  return browser
}

/** Unpacks the browser once for all runs and processes: it appears whole, or not at all. */
async function unpacked(): Promise<string> {
  const { version } = JSON.parse(await readFile(join(folderOfPackage, 'package.json'), 'utf8'))
  const folder = join(cache, `chromium-${version}`)
  if (existsSync(folder)) return folder
  await mkdir(cache, { recursive: true })
  const making = await mkdtemp(join(cache, 'chromium-'))
  const script = `
    const { default: chromium, inflate } = await import(${JSON.stringify(import.meta.resolve('@sparticuz/chromium'))})
    await chromium.executablePath()
    await inflate(${JSON.stringify(join(folderOfPackage, 'bin', 'al2023.tar.br'))})`
  // In a process of its own, because the package unpacks into the folder for temporary files, wherever that is.
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, TMPDIR: making },
  })
  await rename(making, folder).catch(async (error: unknown) => {
    await rm(making, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  })
  return folder
}
