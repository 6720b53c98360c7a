import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type { CallAdmin } from '../../functions/admin-client.ts'
import { type DeployedStack, findStack } from './aws/stack.ts'
import { UsageError } from './errors.ts'
import { type Paint, type Progress, painter, progressOn, table, writeTo } from './print.ts'
import type { Sandbox } from './probe/sandbox.ts'
import { type Environment, type Reach, reachLocalWorld, reachStack, stackOf, type Target } from './reach.ts'

/** A terminal, or the pipes of a script. */
export interface Streams {
  stdin: Readable & { isTTY?: boolean }
  stdout: Writable & { isTTY?: boolean; columns?: number }
  stderr: Writable & { isTTY?: boolean }
}

/** What a process has beside its streams; tests give their own. */
export interface Edges {
  now?: () => number
  sleep?: (ms: number) => Promise<unknown>
  /** Logs in to a Connect Webview in a person's place. */
  logIn?: NonNullable<Sandbox['logIn']>
  /** Where token-vending.json and cdk.json are. */
  folder?: string
  /** Ctrl-C. */
  signal?: AbortSignal
}

/** What a command works with. The world is reached with the first call: usage errors come before. */
export interface Tool extends Required<Omit<Edges, 'logIn'>>, Pick<Edges, 'logIn'> {
  callAdmin: CallAdmin
  auditTrail: Reach['auditTrail']
  target: Target
  /** The stack that `--stack` or `--stage` names; undefined: the local world. @throws Trouble */
  deployedStack(): Promise<DeployedStack | undefined>
  environment: Environment
  streams: Streams
  json: boolean
  paint: Paint
  /** A result: as one line of JSON, or as a person reads it. */
  show(result: unknown, forPeople: () => string): Promise<void>
  /** A line of JSON for each item, or one table of them all. */
  list<T extends object>(items: T[], headings: string[], row: (item: T) => string[]): Promise<void>
  /** On standard error: never part of the result. */
  note(text: string): void
  progress(label: string, total?: number): Progress
  /** How far the command is, for who interrupts it. */
  soFar(): string | undefined
  close(): Promise<void>
}

export function openTool(
  target: Target,
  json: boolean,
  environment: Environment,
  streams: Streams,
  edges: Edges,
): Tool {
  const { stdout, stderr } = streams
  const { now = Date.now, sleep = wait, signal = new AbortController().signal, logIn } = edges
  const { folder = process.cwd() } = edges
  const paint = painter(stdout, environment)
  const progresses: Progress[] = []
  let reaching: Promise<Reach> | undefined
  const stackName = () => stackOf(folder, target)
  const reach = () => {
    const name = stackName()
    reaching ??= name === undefined ? reachLocalWorld(environment) : reachStack(name, environment)
    return reaching
  }
  return {
    now,
    sleep,
    signal,
    folder,
    ...(logIn !== undefined && { logIn }),
    callAdmin: async (command, params) => (await reach()).callAdmin(command, params),
    async *auditTrail(accountId) {
      yield* (await reach()).auditTrail(accountId)
    },
    target,
    async deployedStack() {
      const name = stackName()
      return name === undefined ? undefined : await findStack(name, environment)
    },
    environment,
    streams,
    json,
    paint,
    show: (result, forPeople) => writeTo(stdout, `${json ? JSON.stringify(result) : forPeople()}\n`),
    async list(items, headings, row) {
      if (json) for (const item of items) await writeTo(stdout, `${JSON.stringify(item)}\n`)
      else if (items.length > 0) await writeTo(stdout, `${table(headings, items.map(row), paint)}\n`)
    },
    note: (text) => void stderr.write(`${text}\n`),
    progress(label, total) {
      const progress = progressOn(stderr, now, label, total)
      progresses.push(progress)
      return progress
    },
    soFar: () => progresses.map((progress) => progress.soFar()).findLast((text) => text !== undefined),
    async close() {
      for (const progress of progresses) progress.end()
      const reached = await reaching?.catch(() => undefined)
      reached?.close()
    },
  }
}

/** One secret from standard input: an argument would stand in the shell's history and in the list of processes. */
export async function readSecretLine({ stdin, stderr }: Streams, what: string): Promise<string> {
  if (stdin.isTTY) stderr.write(`Paste the ${what} and press Enter: `)
  for await (const line of createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY }))
    if (line.trim() !== '') return line.trim().replace(/^bearer +/i, '')
  throw new UsageError(`Give the ${what} on standard input.`)
}
