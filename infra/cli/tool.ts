import type { Readable, Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type { CallAdmin } from '../../functions/operator/client.ts'
import type { AwsEnvironment, DeployedStack } from './aws/stack.ts'
import type { Target } from './configuration.ts'
import { type ExitCode, exitCodes } from './errors.ts'
import { cellOf, nameOf, type Paint, type Progress, painter, startProgress, table, writeTo } from './print.ts'
import type { LocalEnvironment, Reach } from './reach.ts'

/** `npm_lifecycle_event`: npm runs it, as examples then show. */
export type Environment = LocalEnvironment &
  AwsEnvironment &
  Partial<Record<'NO_COLOR' | 'TERM' | 'npm_lifecycle_event', string>>

/** A terminal, or the pipes of a script. */
export interface Streams {
  stdin: Readable & { isTTY?: boolean }
  stdout: Writable & { isTTY?: boolean; columns?: number }
  stderr: Writable & { isTTY?: boolean }
}

/** What a process has beside its streams; tests give their own. */
export interface Overrides {
  now?: () => number
  sleep?: (ms: number) => Promise<unknown>
  /** Where token-vending.json and cdk.json are. */
  folder?: string
  /** Ctrl-C. */
  signal?: AbortSignal
}

/** What a command works with. The world is reached, and AWS's SDK loaded, with the first call: usage errors come before. */
export class Tool {
  readonly target: Target
  readonly json: boolean
  readonly environment: Environment
  readonly streams: Streams
  readonly deps: Required<Overrides>
  readonly paint: Paint
  #progress: Progress | undefined
  #reaching: Promise<Reach> | undefined

  constructor(target: Target, json: boolean, environment: Environment, streams: Streams, deps: Overrides) {
    this.target = target
    this.json = json
    this.environment = environment
    this.streams = streams
    const { signal } = new AbortController()
    this.deps = { now: Date.now, sleep: wait, folder: process.cwd(), signal, ...deps }
    this.paint = painter(streams.stdout, environment)
  }

  callAdmin: CallAdmin = async (command, params) => (await this.reach()).callAdmin(command, params)

  /** The stack that `--stack` or `--stage` names; undefined: the local world. @throws CliError */
  async deployedStack(): Promise<DeployedStack | undefined> {
    const { stackOf } = await import('./configuration.ts')
    const name = stackOf(this.deps.folder, this.target)
    return name === undefined ? undefined : (await import('./aws/stack.ts')).findStack(name, this.environment)
  }

  reach(): Promise<Reach> {
    this.#reaching ??= this.deployedStack().then(async (stack) => {
      const { reachLocalWorld, reachStack } = await import('./reach.ts')
      return stack === undefined ? reachLocalWorld(this.environment) : reachStack(stack)
    })
    return this.#reaching
  }

  /** A result: as one line of JSON, or as a person reads it. */
  async show(result: unknown, forPeople: () => string, exitCode: ExitCode = exitCodes.done) {
    this.#progress?.clear()
    await writeTo(this.streams.stdout, `${this.json ? JSON.stringify(result) : forPeople()}\n`)
    return exitCode
  }

  /** A line of JSON for each item, or one table of them all with these members; then a note. */
  async list<T extends object>(items: T[], members: (keyof T & string)[], note?: string): Promise<ExitCode> {
    const rows = () => items.map((item) => members.map((member) => cellOf(member, item[member])))
    const headings = members.map((member) => nameOf(member).toUpperCase())
    if (this.json) for (const item of items) await this.show(item, String)
    else if (items.length > 0) await this.show(items, () => table(headings, rows(), this.paint))
    if (note !== undefined) this.note(note)
    return exitCodes.done
  }

  /** On standard error: never part of the result. */
  note(text: string): void {
    this.#progress?.clear()
    this.streams.stderr.write(`${text}\n`)
  }

  /** How far a long command is. Only a file's total is known: a scan of the table counts as it goes. */
  progress(label: string, total?: number): Progress {
    this.#progress = startProgress(this.streams.stderr, this.deps.now, label, total)
    return this.#progress
  }

  /** How far the command is, for who interrupts it. */
  soFar(): string | undefined {
    return this.#progress?.soFar()
  }

  async close(): Promise<void> {
    this.#progress?.clear()
    const reached = await this.#reaching?.catch(() => undefined)
    reached?.close()
  }
}

/** Page after page, until the admin function says that there are no more. */
export async function* pages<Page extends { after?: string }>(
  ask: (next: { after?: string }) => Promise<Page>,
): AsyncGenerator<Page> {
  let page = await ask({})
  yield page
  while (page.after !== undefined) {
    page = await ask({ after: page.after })
    yield page
  }
}
