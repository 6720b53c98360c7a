import { parseArgs } from 'node:util'
import { apiKeyForm, apiKeyIn } from '../../functions/api-key.ts'
import type { Streams } from '../admin/tool.ts'
import { safeAddress } from '../local/environment.ts'
import { Trouble } from '../local/trouble.ts'
import { questioner } from '../setup/asking.ts'
import { type Answered, probe, readingsOf } from './probing.ts'
import { openSandbox, type Sandbox } from './sandbox.ts'

const usage = `npm run probe -- [options]

Asks a sandbox workspace of Seam's what its documentation leaves open, and prints the answers. It makes client
sessions of its own, switches publishable-key access on for a moment, and undoes both; a production workspace
it leaves alone. The API key comes from SEAM_API_KEY, from a pipe, or from a hidden prompt.

  --log-in         waits until somebody has logged in to a Connect Webview, for the question about them
  --endpoint URL   another address than https://connect.getseam.com
  --json           prints one JSON object a line`

interface Edges {
  clock?: () => number
  sleep?: (ms: number) => Promise<void>
  logIn?: Sandbox['logIn']
  /** Ends it after the question at hand, with everything undone. */
  stop?: AbortSignal
}

/** `npm run probe`, but for the process around it. Returns the exit code: 1 when something could not be undone. */
export async function runProbe(
  words: string[],
  environment: { SEAM_API_KEY?: string },
  streams: Streams,
  edges: Edges = {},
): Promise<number> {
  const { stdout, stderr } = streams
  try {
    const options = readOptions(words)
    if (options.help) {
      stdout.write(`${usage}\n`)
      return 0
    }
    const apiKey = apiKeyIn(environment.SEAM_API_KEY || (await askForKey(streams)))
    if (apiKey === undefined) throw new Trouble(`That is not an API key: ${apiKeyForm}. Nothing was asked.`)
    const { endpoint } = options
    const sandbox = await openSandbox({
      endpoint,
      apiKey,
      ...(options['log-in'] && { logIn: waitForLogIn }),
      ...edges,
    })
    const { name, workspace_id } = sandbox.workspace
    stderr.write(`Asking ${name ?? workspace_id} at ${endpoint}.\n\n`)
    const answers: Answered[] = []
    let left: string[] = []
    try {
      for await (const answered of probe(sandbox)) {
        answers.push(answered)
        stdout.write(`${options.json ? JSON.stringify(answered) : row(answered)}\n`)
        if (edges.stop?.aborted) break
      }
    } finally {
      left = await sandbox.cleanUp()
    }
    if (!options.json)
      stdout.write(`\nThe local Seam is so with these readings: ${JSON.stringify(readingsOf(answers))}\n`)
    if (left.length > 0) stderr.write(`These client sessions could not be deleted: ${left.join(', ')}\n`)
    return left.length > 0 ? 1 : 0

    async function waitForLogIn({ url, connect_webview_id }: { url: string; connect_webview_id: string }) {
      stderr.write(`Log in here, as Seam's documentation says for sandboxes:\n  ${url}\n`)
      for (let looks = 0; looks < 150; looks++) {
        const { body } = await sandbox.call('/connect_webviews/get', { connect_webview_id })
        if (body?.connect_webview?.status !== 'pending') return
        await sandbox.sleep(2000)
      }
    }
  } catch (error) {
    if (!(error instanceof Trouble)) throw error
    stderr.write(`${error.message}\n`)
    return 2
  }
}

/** Typed unseen, or from a pipe: an argument would stay in the shell's history. */
async function askForKey(streams: Streams): Promise<string> {
  const questions = questioner(streams)
  try {
    const key = await questions.secret('API key of a sandbox workspace (nothing is shown): ')
    if (key === '') throw new Trouble('No API key was given; nothing was asked.')
    return key
  } finally {
    questions.close()
  }
}

function row({ asks, answer, unanswered }: Answered): string {
  return `${asks}\n    ${answer ?? `not answered: ${unanswered}`}`
}

function readOptions(words: string[]) {
  const flag = { type: 'boolean', default: false } as const
  const options = {
    endpoint: { type: 'string', default: 'https://connect.getseam.com' },
    'log-in': flag,
    json: flag,
    help: flag,
  } as const
  let values: ReturnType<typeof parseArgs<{ options: typeof options }>>['values']
  try {
    values = parseArgs({ args: words, options }).values
  } catch (error) {
    throw new Trouble(`${error instanceof Error ? error.message : error}\n\n${usage}`)
  }
  const endpoint = safeAddress(values.endpoint)
  if (endpoint === undefined)
    throw new Trouble('--endpoint: give an https:// address; the API key is sent there.')
  return { ...values, endpoint }
}
