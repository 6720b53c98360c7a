import { randomUUID } from 'node:crypto'
import { basename } from 'node:path'
import { type ExecutionEnvironment, executionEnvironment } from '../lambda/execution-environment.ts'
import type { Contender, ContenderName } from './contenders.ts'
import { type CpuShare, cpuShareOf } from './cpu-share.ts'
import { prices } from './model/prices.ts'
import { shippedMemory } from './model/vend.ts'
import { quantile, ratios, type Spread, spread } from './statistics.ts'
import type { BenchWorld } from './world.ts'

/** Milliseconds, in AWS's own runtime client, with the CPU share of `shippedMemory`; TLS to everything. */
export interface ColdStart {
  /** False where the system lets us limit no CPU: then all had a whole one. */
  limited: boolean
  /** From the start of the process until it asks for its first invocation. Lambda gives INIT a whole CPU. */
  init: PerContender
  /** The first call after that: a reuse. */
  first: PerContender
  warm: PerContender
  /** INIT plus the first answer, ours over theirs. */
  ratio: PerContender
  /** INIT plus the first answer where it is a new user's. */
  newUser: PerContender
  newUserRatio: PerContender
  /** Ours, by memory. */
  curve: Memory[]
}

type PerContender = Partial<Record<ContenderName, Spread>>

export interface Memory {
  memory: number
  /** INIT plus the first answer. */
  start: Spread
  newUser: Spread
  /** p50 and p95 of the warm calls of all rounds. */
  warm: number
  p95: number
  /** Lambda's price per million of these warm calls. */
  usdPerMillion: number
}

const memories = [128, 256, 512, 1024, 1769]
const warmCalls = 15
/** Who keeps client sessions, and so has a new user's first vend. */
const keeping: ContenderName[] = ['ours', 'serverless', 'duties']

interface Start {
  name: ContenderName
  memory: number
  isNew: boolean
  init: number
  first: number
  warm: number[]
}

export async function benchColdStart(
  world: BenchWorld,
  contenders: Contender[],
  size: { rounds: number },
): Promise<ColdStart> {
  const shares = new Map(memories.map((memory) => [memory, cpuShareOf(memory)]))
  const starts: Start[] = []
  const add = async (contender: Contender, memory: number, sub: string, isNew = false) => {
    const share = shares.get(memory)
    starts.push(await start(world, contender, { memory, share, isNew, token: await world.token(sub) }))
  }
  // A client session and the key set are there: thousands of starts follow one first request.
  for (const contender of contenders) await add(contender, shippedMemory, 'cold')
  starts.length = 0
  for (let round = 0; round < size.rounds; round++)
    for (const contender of contenders) {
      const { name } = contender
      for (const memory of name === 'ours' ? memories : [shippedMemory]) {
        await add(contender, memory, 'cold')
        if (keeping.includes(name)) await add(contender, memory, `new-${randomUUID()}`, true)
      }
    }
  for (const share of shares.values()) share?.end()
  const limited = shares.get(shippedMemory) !== undefined
  return { limited, ...comparison(starts), curve: limited ? memories.map((it) => atMemory(starts, it)) : [] }
}

function comparison(all: Start[]): Omit<ColdStart, 'limited' | 'curve'> {
  const shipped = all.filter(({ memory }) => memory === shippedMemory)
  const of = (name: ContenderName, isNew: boolean) =>
    shipped.filter((it) => it.name === name && it.isNew === isNew)
  const each = (names: ContenderName[], what: (name: ContenderName) => Spread): PerContender =>
    Object.fromEntries(names.map((name) => [name, what(name)]))
  const names = [...new Set(shipped.map(({ name }) => name))]
  const wholes = (name: ContenderName, isNew: boolean) => of(name, isNew).map(whole)
  return {
    init: each(names, (name) => spread(of(name, false).map(({ init }) => init))),
    first: each(names, (name) => spread(of(name, false).map(({ first }) => first))),
    warm: each(names, (name) => spread(of(name, false).map(({ warm }) => quantile(warm, 0.5)))),
    ratio: each(names, (name) => ratios(wholes('ours', false), wholes(name, false))),
    newUser: each(keeping, (name) => spread(wholes(name, true))),
    newUserRatio: each(keeping, (name) => ratios(wholes('ours', true), wholes(name, true))),
  }
}

function atMemory(all: Start[], memory: number): Memory {
  const starts = all.filter((it) => it.name === 'ours' && it.memory === memory)
  const wholes = (isNew: boolean) => spread(starts.filter((it) => it.isNew === isNew).map(whole))
  const warm = starts.flatMap((it) => it.warm)
  const billed = Math.ceil(quantile(warm, 0.5)) / 1000
  return {
    memory,
    start: wholes(false),
    newUser: wholes(true),
    warm: quantile(warm, 0.5),
    p95: quantile(warm, 0.95),
    usdPerMillion: 1e6 * (prices.lambdaRequest + billed * (memory / 1024) * prices.lambdaGbSecond),
  }
}

const whole = ({ init, first }: Start) => init + first

async function start(
  world: BenchWorld,
  contender: Contender,
  how: { memory: number; share: CpuShare | undefined; isNew: boolean; token: string },
): Promise<Start> {
  const { memory, share, isNew, token } = how
  const startedAt = performance.now()
  const environment = await executionEnvironment(
    {
      name: contender.name,
      arn: `arn:aws:lambda:eu-central-1:111122223333:function:${contender.name}`,
      folder: contender.folder,
      handler: `${basename(contender.file).split('.')[0]}.handler`,
      logging: { format: 'JSON', level: 'INFO', group: contender.name },
      environment: world.environment(),
      memory,
      timeout: 10_000,
    },
    () => {},
  )
  const init = performance.now() - startedAt
  share?.limit(environment.pid)
  const first = await call(environment, token)
  const warm: number[] = []
  for (let i = 0; i < warmCalls; i++) warm.push(await call(environment, token))
  await environment.kill()
  return { name: contender.name, memory, isNew, init, first, warm }
}

async function call(environment: ExecutionEnvironment, token: string): Promise<number> {
  const path = '/client-session'
  const startedAt = performance.now()
  const outcome = await environment.invoke({
    version: '2.0',
    routeKey: `POST ${path}`,
    rawPath: path,
    rawQueryString: '',
    headers: { authorization: `Bearer ${token}`, origin: 'https://app.example', host: 'api.example' },
    requestContext: {
      accountId: '111122223333',
      apiId: 'api',
      domainName: 'api.example',
      domainPrefix: 'api',
      http: { method: 'POST', path, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'bench' },
      requestId: randomUUID(),
      routeKey: `POST ${path}`,
      stage: '$default',
      time: '25/Nov/2026:00:00:00 +0000',
      timeEpoch: Date.now(),
    },
    isBase64Encoded: false,
  })
  const took = performance.now() - startedAt
  const { statusCode } = ('value' in outcome ? outcome.value : {}) as { statusCode?: number }
  if (statusCode !== 200 && statusCode !== 201)
    throw new Error(`a contender answered ${JSON.stringify(outcome).slice(0, 200)}`)
  return took
}
