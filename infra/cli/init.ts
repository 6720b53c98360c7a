import { readConfiguration } from '../../functions/config.ts'
import providers from '../identity-providers.json' with { type: 'json' }
import { propsOf, type Stage } from '../stage.ts'
import { asUsage } from './configuration.ts'
import { UsageError } from './errors.ts'

/** A stage from what an operator says and what is known of their identity provider. PURE. */

export interface Answers {
  provider?: string | undefined
  issuer?: string | undefined
  audience: string[]
  origin: string[]
  deployment?: string | undefined
  'alarm-email'?: string | undefined
  /** `path=value`, below `tokenVending`. */
  set: string[]
}

/** What is not known yet: the option that would say it, and the question for a person. */
export interface Missing {
  option: string
  question: string
  tell(answer: string): Partial<Answers>
}

interface Provider {
  name: string
  settings: { issuer: string; audiences: string[] } & Record<string, unknown>
  send: string
  notes?: string[]
}

const other: Provider = {
  name: 'another identity provider',
  settings: { name: 'main', issuer: '<issuer>', audiences: ['<audience>'] },
  send: 'a JWT that is signed with an asymmetric key',
}
const known: Record<string, Provider> = { ...providers, other }

export function providerOf({ provider }: Answers): Provider | undefined {
  if (provider === undefined || provider === '') return undefined
  const key = provider.toLowerCase()
  if (Object.hasOwn(known, key)) return known[key]
  throw new UsageError(
    `--provider: ${JSON.stringify(provider)} is none of ${Object.keys(known).join(', ')}; choose "other" for any other.`,
  )
}

export function missingIn(answers: Answers): Missing[] {
  const provider = providerOf(answers)
  const settings = provider?.settings ?? other.settings
  const missing: (Missing | false)[] = [
    provider === undefined && {
      option: '--provider KEY',
      question: `Identity provider (${Object.keys(known).join(', ')})`,
      tell: (provider) => ({ provider }),
    },
    !answers.issuer &&
      settings.issuer.includes('<') && {
        option: '--issuer URL',
        question: `Issuer, exactly the "iss" of its tokens (${settings.issuer})`,
        tell: (issuer) => ({ issuer }),
      },
    answers.audience.length === 0 &&
      settings.audiences.join().includes('<') && {
        option: '--audience A',
        question: `Audience of its tokens (${settings.audiences.join(', ')})`,
        tell: (audience) => ({ audience: [audience] }),
      },
    answers.origin.length === 0 && {
      option: '--origin O',
      question: 'Origin of the page that may call (https://app.example.com)',
      tell: (origin) => ({ origin: [origin] }),
    },
    !answers.deployment && {
      option: '--deployment NAME',
      question: 'Name of the deployment, part of every key at Seam (prod)',
      tell: (deployment) => ({ deployment }),
    },
  ]
  const asked = missing.filter((one) => one !== false)
  return asked.length > 0 ? asked : placeholdersIn(stageOf(answers).tokenVending, answers.set)
}

/** What is left of the provider's template, such as the scope of Entra's tokens. */
function placeholdersIn(value: unknown, set: string[], path = ''): Missing[] {
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([key, inner]) =>
      placeholdersIn(inner, set, path === '' ? key : `${path}.${key}`),
    )
  const [placeholder] = (typeof value === 'string' && /<[^>]+>/.exec(value)) || []
  if (placeholder === undefined) return []
  return [
    {
      option: `--set '${path}=${value}'`,
      question: `${path}: ${value}`,
      tell: (answer) => ({ set: [...set, `${path}=${JSON.stringify(answer)}`] }),
    },
  ]
}

/** @throws UsageError when an answer cannot be used */
export function stageOf(answers: Answers): Stage {
  const { settings } = providerOf(answers) ?? other
  const issuer = answers.issuer || settings.issuer
  const filled = JSON.parse(fill(JSON.stringify(settings), settings.issuer, issuer))
  const audiences = answers.audience.length > 0 ? answers.audience : filled.audiences
  const stage = {
    tokenVending: {
      deployment: answers.deployment,
      issuers: [{ ...filled, issuer, audiences }],
      allowedOrigins: answers.origin,
    },
    ...(answers['alarm-email'] && { tokenVendingStack: { alarmEmail: answers['alarm-email'] } }),
  }
  for (const one of answers.set) setPath(stage, one)
  return stage
}

/** What the issuer's address tells about its template stands in other settings, too: `<project ref>`, `<tenant id>`. */
function fill(text: string, template: string, issuer: string): string {
  const names = [...template.matchAll(/<[^>]+>/g)].map(([name]) => name)
  const literal = (part: string) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const values =
    new RegExp(
      `^${template
        .split(/<[^>]+>/)
        .map(literal)
        .join('([\\w.-]+)')}$`,
    ).exec(issuer) ?? []
  return names.reduce((filled, name, index) => filled.replaceAll(name, values[index + 1] ?? name), text)
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
  place[last] = parsedValue(value)
}

function parsedValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** As synthesis would. @throws UsageError with every fault and what to change */
export function check(stage: Stage): void {
  const { configuration, allowLocalOrigins } = asUsage(() => propsOf(stage))
  const { allowedOrigins } = asUsage(() => readConfiguration(configuration))
  const local = allowedOrigins.find((origin) => origin.startsWith('http:'))
  if (local !== undefined && !allowLocalOrigins)
    throw new UsageError(
      `--origin: ${local} is a page on one machine; remove it, or add --set tokenVendingStack.allowLocalOrigins=true for a stage of developers`,
    )
}
