import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Browser, chromium, type LaunchOptions } from 'playwright-core'
import { test } from 'vitest'
import { passed, wrote } from '../../leaks.ts'

/** A real browser out of `node_modules`, also for machines without the libraries and fonts that it needs. */

/** Ends a wait that will never end; no test measures anything by it. */
const retryDelay = 240_000

const folderOfPackage = dirname(dirname(fileURLToPath(import.meta.resolve('@sparticuz/chromium'))))
const cache = fileURLToPath(new URL('../../../node_modules/.cache', import.meta.url))

/** Its binary is for Linux on x64; elsewhere the tests use the Chrome that is installed. */
const isPackaged = process.platform === 'linux' && process.arch === 'x64'

/**
 * Starts a browser; the caller closes it. Its rules for pages are those of any browser (the package's own arguments
 * would switch them off), and it reaches nothing but this machine.
 */
export async function startChromium(): Promise<Browser> {
  if (!isPackaged) return overheard(await chromium.launch({ ...options, channel: 'chrome' }))
  const folder = await unpacked()
  const start = (libraries: Record<string, string>) =>
    chromium.launch({
      ...options,
      executablePath: join(folder, 'chromium'),
      env: {
        ...process.env,
        FONTCONFIG_PATH: join(folder, 'fonts'),
        XDG_CACHE_HOME: join(folder, 'cache'),
        ...libraries,
      },
    })
  // The machine's own libraries fit its other libraries best; where some are missing it does not start.
  const browser = await start({}).catch(() => start({ LD_LIBRARY_PATH: join(folder, 'al2023', 'lib') }))
  return overheard(browser)
}

const options: LaunchOptions = {
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
  timeout: retryDelay,
}

/** Like `test`, but skipped, with a word about it, where there is no browser: never on Linux on x64. */
export const browserTest = test.skipIf(!(isPackaged || (await hasChrome())))

async function hasChrome(): Promise<boolean> {
  try {
    await (await chromium.launch({ ...options, channel: 'chrome' })).close()
    return true
  } catch {
    console.warn(`Not run: browser tests. On ${process.platform}-${process.arch} they need Google Chrome.`)
    return false
  }
}

/** What its pages print, and which addresses they ask, others can read; what they send and are answered are secrets. */
function overheard(browser: Browser): Browser {
  const newContext = browser.newContext.bind(browser)
  // `newPage` makes its context here too.
  browser.newContext = async (options) => {
    const context = await newContext(options)
    context.setDefaultTimeout(retryDelay)
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

/** The package's own names folders of AWS Lambda. Without a single font Chromium dies at its first page. */
const fontConfiguration = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
`

/** Unpacks the browser once for all runs and processes: it appears whole, or not at all. */
export async function unpacked(): Promise<string> {
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
  await writeFile(join(making, 'fonts', 'fonts.conf'), fontConfiguration)
  await rename(making, folder).catch(async (error: unknown) => {
    await rm(making, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  })
  return folder
}
