import { asking } from '../asking.ts'
import { command } from '../command.ts'
import { exitCodes, Refused, UsageError } from '../errors.ts'
import { type Answered, probe as askAll, readingsOf } from '../probe/questions.ts'
import { call, cleanUp, openSandbox, type Sandbox } from '../probe/sandbox.ts'
import type { Streams, Tool } from '../tool.ts'

/** What Seam's documentation leaves open, asked of a sandbox workspace; tests ask the local Seam the same. */
export const probe = command({
  about:
    'ask a sandbox workspace what Seam’s documentation leaves open, and undo it all; the API key comes from SEAM_API_KEY, a pipe or a hidden prompt',
  options: {
    workspace: { value: '<workspace_id>', about: 'only if the API key opens this workspace' },
    'log-in': { about: 'wait until somebody has logged in to a Connect Webview, and ask about it' },
    endpoint: { value: '<url>', about: 'another address than https://connect.getseam.com' },
  },
  examples: ['probe', 'probe --workspace 398d80b7-3f96-47c2-b85a-6f8ba21d07be --json'],
  isWorldless: true,
  undoes: true,
  async run(tool, _, options) {
    const { endpoint = 'https://connect.getseam.com' } = options
    const { now: clock, sleep } = tool.deps
    const logIn = options.logIn ? waitForLogIn(tool) : undefined
    const apiKey = tool.environment.SEAM_API_KEY || (await askForKey(tool.streams))
    const sandbox = await openSandbox({ endpoint, apiKey, clock, sleep, logIn })
    const { name, workspace_id } = sandbox.workspace
    if (options.workspace !== undefined && options.workspace !== workspace_id)
      throw new Refused(
        `The API key opens ${name ?? ''} ${workspace_id}, not ${options.workspace}. Nothing was asked.`,
      )
    tool.note(`Asking ${name ?? workspace_id} at ${endpoint}.\n`)
    let left: string[] = []
    const answers: Answered[] = []
    try {
      for await (const answered of askAll(sandbox)) {
        answers.push(answered)
        await tool.show(answered, () => answerLines(answered))
        if (tool.deps.signal.aborted) break
      }
      if (tool.deps.signal.aborted)
        tool.note(`Interrupted: ${answers.length} questions asked. Undoing; running it again is safe.`)
    } finally {
      left = await cleanUp(sandbox)
    }
    const readings = `\nThe local Seam behaves like this with these readings: ${JSON.stringify(readingsOf(answers))}`
    if (!tool.json) await tool.show(undefined, () => readings)
    if (left.length > 0) tool.note(`Could not be undone: ${left.join(', ')}`)
    if (left.length > 0) return exitCodes.unexpected
    return tool.deps.signal.aborted ? exitCodes.interrupted : exitCodes.done
  },
})

function answerLines({ asks, answer, unanswered, differs }: Answered): string {
  const said = answer ?? `not answered: ${unanswered}`
  return `${asks}\n    ${said}${differs === undefined ? '' : ` (the local Seam: ${differs})`}`
}

function waitForLogIn(tool: Tool): NonNullable<Sandbox['logIn']> {
  return async ({ url, connect_webview_id }, sandbox) => {
    tool.note(`Log in here, as Seam's documentation says for sandboxes:\n  ${url}`)
    for (let looks = 0; looks < 150 && !tool.deps.signal.aborted; looks++) {
      const { body } = await call(sandbox, '/connect_webviews/get', { connect_webview_id })
      if (body?.connect_webview?.status !== 'pending') return
      await sandbox.sleep(2000)
    }
  }
}

/** Typed unseen, or from a pipe: an argument would stay in the shell's history. */
async function askForKey(streams: Streams): Promise<string> {
  const question = 'API key of a sandbox workspace (nothing is shown): '
  const key = await asking(streams, (ask) => ask(question, true))
  if (key === '') throw new UsageError('No API key was given; nothing was asked.')
  return key
}
