import { randomUUID } from 'node:crypto'
import { basename } from 'node:path'
import { type ExecutionEnvironment, executionEnvironment } from '../lambda/execution-environment.ts'
import { type Contender, type ContenderName, oursOverTheirs, type Rounds, spreads } from './contenders.ts'
import { type CpuShare, cpuShareOf } from './cpu-share.ts'
import { vendEvent, vendHeaders } from './event.ts'
import { prices } from './model/prices.ts'
import { shippedMemory } from './model/vend.ts'
import { quantile, spread } from './statistics.ts'
import type { BenchWorld } from './world.ts'

/** MB; the last buys a whole CPU. */
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

/** Milliseconds, in AWS's own runtime client, with the CPU share of `shippedMemory`; TLS to everything. */
export async function benchColdStart(
  world: BenchWorld,
  contenders: Contender[],
  { rounds }: { rounds: number },
) {
  const shares = new Map(memories.map((memory) => [memory, cpuShareOf(memory)]))
  const starts: Start[] = []
  const add = async (contender: Contender, memory: number, sub: string, isNew = false) => {
    const share = shares.get(memory)
    starts.push(await start(world, contender, { memory, share, isNew, token: await world.token(sub) }))
  }
  // A client session and the key set are there: thousands of starts follow one first request.
  for (const contender of contenders) await add(contender, shippedMemory, 'cold')
  starts.length = 0
  for (let round = 0; round < rounds; round++)
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

const whole = ({ init, first }: Start) => init + first

function comparison(all: Start[]) {
  const shipped = all.filter(({ memory }) => memory === shippedMemory)
  const rounds = (isNew: boolean, of: (start: Start) => number): Rounds => {
    const byName = Map.groupBy(
      shipped.filter((it) => it.isNew === isNew),
      ({ name }) => name,
    )
    return Object.fromEntries([...byName].map(([name, starts]) => [name, starts.map(of)]))
  }
  return {
    /** From the start of the process until it asks for its first invocation. Lambda gives INIT a whole CPU. */
    init: spreads(rounds(false, ({ init }) => init)),
    /** The first call after that: a reuse. */
    first: spreads(rounds(false, ({ first }) => first)),
    warm: spreads(rounds(false, ({ warm }) => quantile(warm, 0.5))),
    /** INIT plus the first answer. */
    ratio: oursOverTheirs(rounds(false, whole)),
    /** INIT plus the first answer where it is a new user's. */
    newUser: spreads(rounds(true, whole)),
    newUserRatio: oursOverTheirs(rounds(true, whole)),
  }
}

export type Memory = ReturnType<typeof atMemory>

/** Ours, by memory. */
function atMemory(all: Start[], memory: number) {
  const starts = all.filter((it) => it.name === 'ours' && it.memory === memory)
  const wholes = (isNew: boolean) => spread(starts.filter((it) => it.isNew === isNew).map(whole))
  // Of all rounds.
  const calls = starts.flatMap((it) => it.warm)
  const warm = quantile(calls, 0.5)
  const billed = Math.ceil(warm) / 1000
  return {
    memory,
    start: wholes(false),
    newUser: wholes(true),
    warm,
    p95: quantile(calls, 0.95),
    usdPerMillion: 1e6 * (prices.lambdaRequest + billed * (memory / 1024) * prices.lambdaGbSecond),
  }
}

async function start(
  world: BenchWorld,
  { name, folder, file }: Contender,
  how: { memory: number; share: CpuShare | undefined; isNew: boolean; token: string },
): Promise<Start> {
  const { memory, share, isNew, token } = how
  const startedAt = performance.now()
  const environment = await executionEnvironment(
    {
      name,
      arn: `arn:aws:lambda:eu-central-1:111122223333:function:${name}`,
      folder,
      handler: `${basename(file).split('.')[0]}.handler`,
      logging: { format: 'JSON', level: 'INFO', group: name },
      environment: world.environment,
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
  return { name, memory, isNew, init, first, warm }
}

async function call(environment: ExecutionEnvironment, token: string): Promise<number> {
  const startedAt = performance.now()
  const outcome = await environment.invoke(vendEvent(vendHeaders(token)))
  const took = performance.now() - startedAt
  const { statusCode = 0 } = ('value' in outcome ? outcome.value : {}) as { statusCode?: number }
  if (statusCode !== 200 && statusCode !== 201)
    throw new Error(`a contender answered ${JSON.stringify(outcome).slice(0, 200)}`)
  return took
}
