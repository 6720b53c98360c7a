import { spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'

const root = fileURLToPath(new URL('..', import.meta.url))
const workflows = join(root, '.github', 'workflows')

/** First on the PATH, with an npm that tells what it finds; below the checkout, for /tmp is another one in there. */
let programs: string
let leftover: string
beforeAll(async () => {
  const cache = join(root, 'node_modules', '.cache')
  await mkdir(cache, { recursive: true })
  programs = await mkdtemp(join(cache, 'ci-'))
  leftover = await mkdtemp(join(tmpdir(), 'leftover-'))
  const npm = `echo "ran npm $*"; echo "in $PWD"; ls -A /tmp; cat "$HOME/.npmrc"; ls -A "$HOME"; env; cat; exit 7`
  await program('npm', npm)
})
afterAll(() => Promise.all([programs, leftover].map((folder) => rm(folder, { recursive: true }))))

async function program(name: string, script: string): Promise<void> {
  await writeFile(join(programs, name), `#!/bin/sh\n${script}\n`)
  await chmod(join(programs, name), 0o755)
}

async function runCi(environment: Record<string, string> = {}): Promise<{ code: number; out: string }> {
  const home = join(programs, 'home')
  await mkdir(home, { recursive: true })
  await writeFile(join(home, '.npmrc'), 'fund=false\n')
  await writeFile(join(home, 'leftover-at-home'), '')
  const child = spawn(join(root, '.ci', 'run'), {
    cwd: programs,
    env: { PATH: `${programs}:${process.env.PATH}`, HOME: home, LEFTOVER: 'variable', ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.on('error', () => {})
  child.stdin.end('typed')
  const ended = new Promise<number>((resolve) => child.once('close', resolve))
  const out = await text(child.stdout)
  return { code: await ended, out }
}

describe('.ci/run', () => {
  const noRoom = /^No mount namespace here: /m

  test('tests a clean install, in a room without what earlier runs have left, and hands its status on', async () => {
    const { code, out } = await runCi()
    expect(code).toBe(7)
    expect(out.match(/^ran npm .*/gm)).toEqual(['ran npm cit'])
    expect(out).toContain(`in ${root.slice(0, -1)}\n`)
    if (!noRoom.test(out)) expect(out).not.toContain('leftover-')
    expect(out).not.toMatch(/leftover-at-home|LEFTOVER|typed/)
    expect(out).toContain('fund=false\n.npmrc\n')
    expect(out).toMatch(/^CI=true$/m)
  })

  test('says so where there can be no such room, and goes on with an empty home', async () => {
    await program('unshare', 'exit 1')
    const { code, out } = await runCi().finally(() => rm(join(programs, 'unshare')))
    expect(code).toBe(7)
    expect(out).toMatch(noRoom)
    expect(out).toContain(leftover.slice(tmpdir().length + 1))
    expect(out).not.toMatch(/leftover-at-home|LEFTOVER|typed/)
  })

  test('keeps what npm needs to reach its registry', async () => {
    const kept = {
      npm_config_fetch_retries: '3',
      https_proxy: 'http://127.0.0.1:1',
      NO_PROXY: 'localhost',
      NODE_EXTRA_CA_CERTS: '/etc/ssl/ours.pem',
      LONG: '1',
    }
    const { out } = await runCi(kept)
    for (const [name, value] of Object.entries(kept)) expect(out).toContain(`\n${name}=${value}\n`)
    expect(out).toMatch(/^PATH=[^:]+:[^:]+:\/usr\/local\/bin:\/usr\/bin:\/bin$/m)
  })

  test('with NEWEST_AWS_SDK=1 installs that before it tests, and notes it nowhere', async () => {
    await program('npm', 'echo "ran npm $*"')
    const { code, out } = await runCi({ NEWEST_AWS_SDK: '1' })
    const { devDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    const sdk = Object.keys(devDependencies).filter((name) => name.startsWith('@aws-sdk/'))
    expect(sdk).toContain('@aws-sdk/client-dynamodb')
    const newest = sdk.map((name) => `${name}@latest`).join(' ')
    expect([code, out.match(/^ran npm .*/gm)]).toEqual([
      0,
      ['ran npm ci', `ran npm install --no-save ${newest}`, 'ran npm test'],
    ])
  })
})

describe('a workflow', async () => {
  interface Step {
    name?: string
    uses?: string
    run?: string
  }
  interface Workflow {
    on: Record<string, unknown>
    permissions: unknown
    jobs: Record<string, { permissions?: unknown; needs?: string; environment?: string; steps: Step[] }>
  }
  const files = await readdir(workflows)
  const all = await Promise.all(
    files.map(async (file): Promise<[string, Workflow]> => {
      return [file, parse(await readFile(join(workflows, file), 'utf8'), { strict: true })]
    }),
  )

  test('is there for each change, for each week, and for each release', () => {
    expect(all.map(([file, { on }]) => [file, Object.keys(on)])).toEqual([
      ['release.yml', ['push']],
      ['test.yml', ['push', 'pull_request']],
      ['weekly.yml', ['schedule', 'workflow_dispatch']],
    ])
    for (const needed of ['newest-aws-sdk', 'long']) expect(JSON.stringify(all)).toContain(`"${needed}":"1"`)
  })

  test.each(all)(
    '%s may only read, runs pinned actions, and the tests by .ci/run',
    (_, { permissions, jobs }) => {
      expect(permissions).toEqual({ contents: 'read' })
      for (const [name, job] of Object.entries(jobs)) {
        for (const { uses } of job.steps)
          if (uses !== undefined) expect(uses).toMatch(/^actions\/[\w-]+@[0-9a-f]{40}$/)
        if (name === 'publish') continue
        expect(job.permissions).toBeUndefined()
        expect(job.steps.map(({ run }) => run).filter((run) => run === '.ci/run')).toHaveLength(1)
      }
    },
  )

  const release = all.find(([file]) => file === 'release.yml')?.[1]
  const publish = release?.jobs.publish

  test('publishes what was tested, from a tag, with provenance and without a token to steal', () => {
    expect(release?.on).toEqual({ push: { tags: ['v*'] } })
    expect(publish).toMatchObject({ needs: 'test', environment: 'release' })
    expect(publish?.permissions).toEqual({ contents: 'read', 'id-token': 'write' })
    const commands = publish?.steps.flatMap(({ run = [] }) => run)
    expect(commands?.at(-1)).toBe('npm publish --provenance --access public')
    expect(JSON.stringify(release)).not.toContain('secrets.')
  })

  test('publishes only what its tag says, with its changes noted', async () => {
    const [check] = publish?.steps.filter(({ name }) => name?.startsWith('The tag is the version')) ?? []
    const folder = await mkdtemp(join(tmpdir(), 'release-'))
    await mkdir(join(folder, '.github'))
    await writeFile(join(folder, 'package.json'), '{"version":"1.2.3"}')
    /** As GitHub runs it. */
    const ends = async (tag: string, heading: string) => {
      await writeFile(join(folder, '.github', 'CHANGELOG.md'), `# Changelog\n\n## ${heading}\n`)
      const child = spawn('bash', ['-e', '-c', check?.run ?? ''], {
        cwd: folder,
        env: { ...process.env, GITHUB_REF_NAME: tag },
        stdio: 'ignore',
      })
      return new Promise<number | null>((resolve) => child.once('close', resolve))
    }
    const dated = '1.2.3 (2027-01-31)'
    expect([await ends('v1.2.3', dated), await ends('v1.2.4', dated)]).toEqual([0, 1])
    expect(await ends('v1.2.3', '1.2.3 (not released yet)')).toBe(1)
    await rm(folder, { recursive: true })
  })
})
