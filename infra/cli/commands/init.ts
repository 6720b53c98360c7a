import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readConfiguration } from '../../../functions/config.ts'
import providers from '../../identity-providers.json' with { type: 'json' }
import { parsedJson, propsOf, readStages, type Stage, stagesFile } from '../../stage.ts'
import { asking } from '../asking.ts'
import { command, type OptionRows, type OptionsOf } from '../command.ts'
import { Refused, UsageError } from '../errors.ts'
import type { Tool } from '../tool.ts'

/** A stage from what an operator says and what is known of their identity provider. */

interface Provider {
  settings: { issuer: string; audiences: string[] } & Record<string, unknown>
  send: string
  notes?: string[]
}

const other: Provider = {
  settings: { name: 'main', issuer: '<issuer>', audiences: ['<audience>'] },
  send: 'a JWT that is signed with an asymmetric key',
}
const knownProviders: Record<string, Provider> = { ...providers, other }

const options = {
  provider: { value: '<key>', choices: Object.keys(knownProviders), about: 'identity provider' },
  issuer: { value: '<url>', about: 'issuer, exactly the "iss" of its tokens' },
  audience: { value: '<audience>', list: true, about: 'audience, the "aud" of its tokens' },
  origin: {
    value: '<origin>',
    list: true,
    about: 'origin of a page that may call, such as https://app.example.com',
  },
  deployment: { value: '<name>', about: 'deployment, such as prod; part of every key at Seam' },
  stage: { value: '<name>', about: 'the entry in the file (as the deployment)' },
  'alarm-email': { value: '<address>', about: 'who gets the alarms' },
  set: { value: '<path=value>', list: true, about: 'any other: limits.accountsPerUser=100' },
  force: { about: 'write the stage into a file that exists; its other stages stay' },
} as const satisfies OptionRows

export const init = command({
  about: `write ${stagesFile}, your configuration, and ask for what the options leave out`,
  options,
  examples: [
    'init',
    'init --provider auth0 --issuer https://acme.eu.auth0.com/ --audience https://doors.acme.example --origin https://app.acme.example --deployment prod',
  ],
  isWorldless: true,
  async run(tool, _, given) {
    const file = join(tool.deps.folder, stagesFile)
    if (existsSync(file) && !given.force)
      throw new Refused(
        `${stagesFile} exists and was not touched. Edit it, or add --force to write the stage again.`,
      )
    // With --force too, the other stages stay: a file that cannot be read is not replaced.
    const others = readStages(tool.deps.folder)
    const answers = await complete(tool, { ...lists, ...given })
    const stage = stageOf(answers)
    // As synthesis does.
    readConfiguration(propsOf(stage).configuration)
    const name = given.stage ?? answers.deployment ?? ''
    const stages = { ...others, [name]: stage }
    writeFileSync(file, `${JSON.stringify(stages, null, 2)}\n`)
    const { send, notes = [] } = providerOf(answers) ?? other
    const result = { file: stagesFile, stage: name, stages: Object.keys(stages), send }
    const next = 'Next: npm start -- --own, or npm run deploy.'
    return tool.show(result, () =>
      [`${stagesFile} has the stage ${name}.`, `Send ${send}.`, ...notes, next].join('\n'),
    )
  },
})

const lists = { audience: [] as string[], origin: [] as string[], set: [] as string[] }
type Answers = OptionsOf<typeof options> & typeof lists

/** What is not known yet: the option that would say it, and the question for a person. */
interface Missing {
  option: string
  question: string
  tell(answer: string): Partial<Answers>
}

/** With everything that is needed: from the options, then from a person. */
async function complete(tool: Tool, options: Answers): Promise<Answers> {
  const missing = missingIn(options)
  if (missing.length === 0) return options
  if (tool.streams.stdin.isTTY !== true)
    throw new UsageError(
      `Missing: ${missing.map(({ option }) => option).join(', ')}. Give these options, or run this on a terminal to be asked.`,
    )
  return asking(tool.streams, async (ask) => {
    let answers = options
    for (let [next] = missing; next !== undefined; [next] = missingIn(answers)) {
      const answer = await ask(`${next.question}: `)
      if (answer !== '') answers = { ...answers, ...next.tell(answer) }
    }
    return answers
  })
}

const providerOf = ({ provider = '' }: Answers): Provider | undefined =>
  Object.hasOwn(knownProviders, provider) ? knownProviders[provider] : undefined

function missingIn(answers: Answers): Missing[] {
  const provider = providerOf(answers)
  const { issuer, audiences } = (provider ?? other).settings
  const needed = {
    provider: provider && answers.provider,
    issuer: answers.issuer ?? issuer,
    audience: (answers.audience.length > 0 ? answers.audience : audiences).join(', '),
    origin: answers.origin.join(', '),
    deployment: answers.deployment,
  }
  const missing = Object.entries(needed).flatMap(([name, known]) => {
    // As long as it is the provider's template.
    if (known && !known.includes('<')) return []
    const { value, about } = options[name as keyof typeof needed]
    const hint = known || (name === 'provider' && Object.keys(knownProviders).join(', '))
    const tell = (answer: string) => ({ [name]: name in lists ? [answer] : answer })
    return [{ option: `--${name} ${value}`, question: hint ? `${about} (${hint})` : about, tell }]
  })
  return missing.length > 0 ? missing : placeholdersIn(stageOf(answers).tokenVending, answers.set)
}

/** What is left of the provider's template, such as the scope of Entra's tokens. */
function placeholdersIn(value: unknown, set: string[], path = ''): Missing[] {
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([key, inner]) =>
      placeholdersIn(inner, set, path === '' ? key : `${path}.${key}`),
    )
  if (!/<[^>]+>/.test(String(value))) return []
  return [
    {
      option: `--set '${path}=${value}'`,
      question: `${path}: ${value}`,
      tell: (answer) => ({ set: [...set, `${path}=${JSON.stringify(answer)}`] }),
    },
  ]
}

/** @throws UsageError when an answer cannot be used */
function stageOf({ alarmEmail, ...answers }: Answers): Stage {
  const { settings } = providerOf(answers) ?? other
  const issuer = answers.issuer ?? settings.issuer
  const filled = JSON.parse(fill(JSON.stringify(settings), settings.issuer, issuer))
  const audiences = answers.audience.length > 0 ? answers.audience : filled.audiences
  const stage = {
    tokenVending: {
      deployment: answers.deployment,
      issuers: [{ ...filled, issuer, audiences }],
      allowedOrigins: answers.origin,
    },
    ...(alarmEmail !== undefined && { tokenVendingStack: { alarmEmail } }),
  }
  for (const one of answers.set) setPath(stage, one)
  return stage
}

/** What the issuer's address tells about its template stands in other settings, too: `<project ref>`, `<tenant id>`. */
function fill(text: string, template: string, issuer: string): string {
  const names = template.match(/<[^>]+>/g) ?? []
  const parts = template.split(/<[^>]+>/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  const [, ...values] = new RegExp(`^${parts.join('([\\w.-]+)')}$`).exec(issuer) ?? []
  return names.reduce((filled, name, index) => filled.replaceAll(name, values[index] ?? name), text)
}

/** `limits.sessionsPerUser=4`, `issuers.0.typ=at+jwt`, `tokenVendingStack.vendConcurrency=5`. */
function setPath(stage: Stage, text: string): void {
  const [, path = '', value = ''] = /^([\w.[\]]+)=(.*)$/s.exec(text) ?? []
  const steps = path.replaceAll(/\[(\d+)\]/g, '.$1').split('.')
  if (path === '' || steps.some((step) => step === '' || step.startsWith('__')))
    throw new UsageError(
      `--set: ${JSON.stringify(text)} is not path=value, such as limits.accountsPerUser=100 or issuers.0.typ=at+jwt.`,
    )
  const last = steps.pop() ?? ''
  const isFromTop = /^tokenVending(Stack)?$/.test(steps[0] ?? last)
  let place = (isFromTop ? stage : stage.tokenVending) as Record<string, unknown>
  for (const step of steps) {
    if (typeof place[step] !== 'object' || place[step] === null) place[step] = {}
    place = place[step] as Record<string, unknown>
  }
  place[last] = parsedJson(value) ?? value
}
