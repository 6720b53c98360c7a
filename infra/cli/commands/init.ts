import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parsedJson, stagesFile } from '../../stage.ts'
import { Questions } from '../asking.ts'
import { command } from '../command.ts'
import { Refused, UsageError } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import { type Answers, check, type Missing, missingIn, providerOf, stageOf } from '../init.ts'
import type { Tool } from '../tool.ts'

export const init = command({
  group: 'start',
  about: `write ${stagesFile}, your configuration, and ask for what the options leave out`,
  options: {
    provider: {
      value: '<key>',
      about: 'auth0, cognito, clerk, firebase, supabase, entra, okta, keycloak, google, other',
    },
    issuer: { value: '<url>', about: 'exactly the "iss" of its tokens' },
    audience: { value: '<audience>', list: true, about: 'whom its tokens are meant for; may be repeated' },
    origin: { value: '<origin>', list: true, about: 'a page that may call; may be repeated' },
    deployment: { value: '<name>', about: 'part of every key at Seam; another name is another stack' },
    stage: { value: '<name>', about: 'the entry in the file (as the deployment)' },
    'alarm-email': { value: '<address>', about: 'who gets the alarms' },
    set: {
      value: '<path=value>',
      list: true,
      about: 'any other setting, such as limits.accountsPerUser=100',
    },
    force: { about: 'write the stage into a file that exists; its other stages stay' },
  },
  examples: [
    'init',
    'init --provider auth0 --issuer https://acme.eu.auth0.com/ --audience https://doors.acme.example --origin https://app.acme.example --deployment prod',
  ],
  alone: true,
  async run(tool, _, options) {
    const file = join(tool.folder, stagesFile)
    const exists = existsSync(file)
    if (exists && !options.force)
      throw new Refused(
        `${stagesFile} exists and was not touched. Edit it, or add --force to write the stage anew.`,
      )
    const answers = await complete(tool, options)
    const stage = stageOf(answers)
    check(stage)
    const name = options.stage || (answers.deployment ?? '')
    const stages = { ...(exists && (parsedJson(readFileSync(file, 'utf8')) as object)), [name]: stage }
    writeFileSync(file, `${JSON.stringify(stages, null, 2)}\n`)
    const provider = providerOf(answers)
    await tool.show(
      { file: stagesFile, stage: name, stages: Object.keys(stages), send: provider?.send },
      () =>
        [
          `${stagesFile} has the stage ${name}.`,
          `Send ${provider?.send}.`,
          ...(provider?.notes ?? []),
          'Next: npm start -- --own, or npm run deploy.',
        ].join('\n'),
    )
    return exitCodes.done
  },
})

/** With everything that is needed: from the options, then from a person. */
async function complete(tool: Tool, options: Answers): Promise<Answers> {
  let answers = options
  let missing = missingIn(answers)
  if (missing.length === 0) return answers
  if (tool.streams.stdin.isTTY !== true)
    throw new UsageError(
      `Missing: ${missing.map(({ option }) => option).join(', ')}. Give these options, or run this on a terminal to be asked.`,
    )
  const questions = new Questions(tool.streams)
  try {
    for (let next: Missing | undefined = missing[0]; next !== undefined; [next] = missing) {
      const answer = await questions.text(`${next.question}: `)
      if (answer !== '') answers = { ...answers, ...next.tell(answer) }
      missing = missingIn(answers)
    }
    return answers
  } finally {
    questions.close()
  }
}
