import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { startChromium } from './infra/local/chromium.ts'
import { listen, stopListening } from './loopback.ts'

/** What leaks.test.ts has run: each test prints one secret in its own way, but for the last. */

/** It has been sent to somebody, so it exists. */
async function secret(): Promise<string> {
  const made = `seam_cst1${randomBytes(4).toString('hex')}_${randomBytes(20).toString('hex')}`
  await fetch(url, { headers: { authorization: `Bearer ${made}` } })
  return made
}
const server = createServer((_, response) => response.end('<!doctype html>'))
const url = await listen(server, 0, 'a page')
afterAll(() => stopListening(server))

/** Without a shape of its own. */
const beginningOf = (made: string) => made.slice(made.lastIndexOf('_') + 1).slice(0, 12)
const child = (script: string, ...args: string[]) =>
  promisify(execFile)(process.execPath, ['-e', script, ...args])

test('a child prints one in base64, in the middle of something', async () => {
  await child('console.log(btoa("key:" + process.argv[1]))', await secret())
})

test('a child prints half of one, and a little later the other half', async () => {
  const made = await secret()
  const script =
    'process.stderr.write(process.argv[1], () => setTimeout(() => process.stderr.write(process.argv[2]), 50))'
  await child(script, made.slice(0, 24), made.slice(24))
})

test('a child of a child prints the beginning of one past everybody', async () => {
  const script =
    'require("child_process").spawn(process.execPath, ["-e", "console.error(process.argv[1])", process.argv[1]], { stdio: "inherit" })'
  await child(script, beginningOf(await secret()))
})

test('a child prints the beginning of one where this process does', async () => {
  const made = await secret()
  const args = ['-e', 'console.log(process.argv[1])', beginningOf(made)]
  await once(spawn(process.execPath, args, { stdio: 'inherit' }), 'close')
})

test('a child prints one that nobody else knows', async () => {
  await child('console.log("whsec_" + require("crypto").randomBytes(24).toString("base64"))')
})

test('a page prints one, URL-encoded', async () => {
  const browser = await startChromium()
  const page = await browser.newPage()
  await page.goto(url)
  await page.evaluate((made) => console.warn({ of: encodeURIComponent(made) }), await secret())
  await browser.close()
})

test('one that is printed by nobody is no leak', async () => {
  expect(await secret()).toMatch(/^seam_cst/)
})
