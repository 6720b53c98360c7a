import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runProgram } from '../../infra/cli/program.ts'
import type { StackOutputs } from '../../infra/stack/outputs.ts'
import { type Cloud, FunctionError, someOutputs, startCloud } from '../infra/cli/aws/cloud.ts'
import { run, runHere } from '../infra/cli/aws/command.ts'
import { type Deployment, deploy } from './deployment.ts'

/** The operator's commands with `--stack`, against the functions as they are deployed. */

let stack: Deployment
let cloud: Cloud
let account: string
beforeAll(async () => {
  stack = await deploy()
  stack.storeSecret('SeamApiKey', stack.seam.apiKey)
  const endpoint = stack.seam.webhooks.add(`${stack.api}/webhooks/seam`)
  stack.storeSecret('WebhookSecrets', JSON.stringify([endpoint.secret()]))
  account = stack.seam.spareAccountIds[0] ?? ''

  cloud = await startCloud()
  const outputs = Object.fromEntries(
    ['AdminFunction', 'CleanupFunction', 'AuditLogGroups'].map((name) => [name, stack.template.output(name)]),
  )
  cloud.stacks.set('doors', someOutputs(outputs as Partial<StackOutputs>))
  for (const { settings, invoke, log } of Object.values(stack.functions)) {
    cloud.functions.set(settings.name, async (event) => {
      const outcome = await invoke(event)
      if ('errorType' in outcome) throw new FunctionError(outcome.errorType)
      return outcome.value
    })
    cloud.logs.set(settings.logging.group, log)
  }
})
afterAll(async () => {
  await cloud?.close()
  await stack?.close()
})

const admin = (...words: string[]) =>
  runHere(
    (streams) => runProgram([...words, '--stack', 'doors'], cloud.environment, streams),
    cloud.environment,
  )

const who = async () => {
  const { out } = await admin('who', account, '--json')
  return out
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

describe('npm run admin in a deployed stack', () => {
  it('changes what a user may have, and the audit log says who did', async () => {
    const granted = await admin('grant', 'local|eve', account)
    expect([granted.code, granted.out]).toEqual([0, expect.stringContaining('1 account granted')])
    const { body } = await stack.ask('eve')
    expect(body.token).toMatch(/^seam_cst/)
    expect((await admin('withdraw', 'local|eve', account)).out).toContain('were ended at Seam')
    expect(await who()).toMatchObject([
      { subject: 'local|eve', given: expect.stringMatching(/^grant by \S+@/), until: expect.any(String) },
    ])
    expect((await admin('show', 'local|nobody')).code).toBe(3)
  })
})

describe('npm run cleanup in a deployed stack', () => {
  it('runs once, beside the schedule', async () => {
    const words = ['cleanup', '--stack', 'doors', '--all-users', '--json']
    const { code, out } = await run(words, cloud.environment)
    expect([code, JSON.parse(out)]).toEqual([0, expect.objectContaining({ all_users: true, alarms: [] })])
  })
})

describe('what Seam leads to in a deployed stack', () => {
  const linesOf = (entry: string, act: string) =>
    (stack.functions[entry]?.log ?? [])
      .map((line) => JSON.parse(line))
      .filter((line) => line.what === 'account' && line.act === act)

  async function loginOf(sub: string) {
    await stack.ask(sub)
    const { body } = await stack.ask(sub, 'POST', {}, '/connect-webview')
    return body.connect_webview_id as string
  }

  it('stands in the webhook’s log with the subject, for the log is an audit log', async () => {
    account = stack.seam.completeWebview(await loginOf('joining'))
    await stack.seam.webhooks.idle()
    expect(linesOf('webhook', 'connect')).toMatchObject([
      { subject: 'local|joining', by: 'seam', after: { connected_account_ids: [account] } },
    ])
    expect(await who()).toMatchObject([{ subject: 'local|joining', given: 'connect by seam' }])
  })

  it('stands in the connect function’s log likewise when the page is sooner than the webhook', async () => {
    const connect_webview_id = await loginOf('polling')
    stack.seam.webhooks.mood.hold = true
    account = stack.seam.completeWebview(connect_webview_id)
    const { body } = await stack.ask('polling', 'GET', {}, `/connect-webview/${connect_webview_id}`)
    expect(body).toEqual({ status: 'connected' })
    expect(linesOf('connect', 'connect')).toMatchObject([
      { subject: 'local|polling', by: 'seam', after: { connected_account_ids: [account] } },
    ])
    expect(stack.functions.vend?.log.join()).not.toContain('polling')
    expect(await who()).toMatchObject([{ subject: 'local|polling', given: 'connect by seam' }])
  })
})
