import { randomUUID } from 'node:crypto'
import { basename } from 'node:path'
import { type ExecutionEnvironment, executionEnvironment } from '../lambda/execution-environment.ts'
import type { Contender, ContenderName } from './contenders.ts'
import { type CpuShare, cpuShareOf } from './cpu-share.ts'
import { median, ratios, type Spread, spread } from './statistics.ts'
import type { BenchWorld } from './world.ts'

/** Milliseconds, in AWS's own runtime client; TLS to everything. */
export interface ColdStart {
  /** From the start of the process until it asks for its first invocation. */
  init: Partial<Record<ContenderName, Spread>>
  /** The first call after that. */
  first: Partial<Record<ContenderName, Spread>>
  warm: Partial<Record<ContenderName, Spread>>
  /** INIT plus the first answer, ours over theirs. */
  ratio: Partial<Record<ContenderName, Spread>>
  /** The first call over a warm one. */
  firstToWarm: Partial<Record<ContenderName, Spread>>
  /** The same calls with the CPU share that comes with `memory` MB; INIT has a whole CPU. Absent where it cannot be set. */
  limited?: {
    memory: number
    first: Partial<Record<ContenderName, Spread>>
    warm: Partial<Record<ContenderName, Spread>>
    firstToWarm: Partial<Record<ContenderName, Spread>>
  }
}

const memory = 1024
const warmCalls = 15

interface Start {
  name: ContenderName
  init: number
  first: number
  warm: number
}

export async function benchColdStart(
  world: BenchWorld,
  contenders: Contender[],
  size: { rounds: number },
): Promise<ColdStart> {
  const token = await world.token('cold')
  const share = cpuShareOf(memory)
  const starts: Start[] = []
  const limited: Start[] = []
  // A client session and the key set are there: thousands of starts follow one first request.
  for (const contender of contenders) await start(world, contender, token)
  for (let round = 0; round < size.rounds; round++)
    for (const contender of contenders) {
      starts.push(await start(world, contender, token))
      if (share !== undefined) limited.push(await start(world, contender, token, share))
    }
  share?.end()

  const each = (all: Start[], of: (starts: Start[]) => Spread) =>
    Object.fromEntries(
      contenders.map(({ name }) => [name, of(all.filter((it) => it.name === name))]),
    ) as Partial<Record<ContenderName, Spread>>
  const whole = ({ init, first }: Start) => init + first
  const ours = starts.filter(({ name }) => name === 'ours').map(whole)
  const calls = (all: Start[]) => ({
    first: each(all, (some) => spread(some.map(({ first }) => first))),
    warm: each(all, (some) => spread(some.map(({ warm }) => warm))),
    firstToWarm: each(all, (some) => spread(some.map(({ first, warm }) => first / warm))),
  })
  return {
    init: each(starts, (some) => spread(some.map(({ init }) => init))),
    ...calls(starts),
    ratio: each(starts, (some) => ratios(ours, some.map(whole))),
    ...(limited.length > 0 && { limited: { memory, ...calls(limited) } }),
  }
}

async function start(
  world: BenchWorld,
  contender: Contender,
  token: string,
  share?: CpuShare,
): Promise<Start> {
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
  return { name: contender.name, init, first, warm: median(warm) }
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
