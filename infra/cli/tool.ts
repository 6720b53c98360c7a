import type { Readable, Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type { AccountAudit } from '../../functions/http/audit.ts'
import type { CallAdmin } from '../../functions/operator/client.ts'
import type { DeployedStack } from './aws/stack.ts'
import { type Paint, Progress, painter, table, writeTo } from './print.ts'
import type { Sandbox } from './probe/sandbox.ts'
import type { Environment, Reach, Target } from './target.ts'

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
  /** Logs in to a Connect Webview in a person's place. */
  logIn?: Sandbox['logIn'] | undefined
  /** Where token-vending.json and cdk.json are. */
  folder?: string
  /** Ctrl-C. */
  signal?: AbortSignal
}

/** What a command works with. The world is reached, and AWS's SDK loaded, with the first call: usage errors come before. */
export class Tool implements Required<Omit<Overrides, 'logIn'>>, Reach {
  readonly target: Target
  readonly json: boolean
  readonly environment: Environment
  readonly streams: Streams
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<unknown>
  readonly signal: AbortSignal
  readonly folder: string
  readonly logIn: Overrides['logIn']
  readonly paint: Paint
  #progress: Progress | undefined
  #reaching: Promise<Reach> | undefined

  constructor(target: Target, json: boolean, environment: Environment, streams: Streams, deps: Overrides) {
    this.target = target
    this.json = json
    this.environment = environment
    this.streams = streams
    this.now = deps.now ?? Date.now
    this.sleep = deps.sleep ?? wait
    this.signal = deps.signal ?? new AbortController().signal
    this.folder = deps.folder ?? process.cwd()
    this.logIn = deps.logIn
    this.paint = painter(streams.stdout, environment)
  }

  callAdmin: CallAdmin = async (command, params) => (await this.#reach()).callAdmin(command, params)

  async *auditTrail(accountId: string): AsyncGenerator<AccountAudit> {
    yield* (await this.#reach()).auditTrail(accountId)
  }

  /** The stack that `--stack` or `--stage` names; undefined: the local world. @throws CliError */
  async deployedStack(): Promise<DeployedStack | undefined> {
    const { stackOf } = await import('./configuration.ts')
    const name = stackOf(this.folder, this.target)
    if (name === undefined) return undefined
    const { findStack } = await import('./aws/stack.ts')
    return findStack(name, this.environment)
  }

  #reach(): Promise<Reach> {
    this.#reaching ??= this.deployedStack().then(async (stack) => {
      const { reachLocalWorld, reachStack } = await import('./reach.ts')
      return stack === undefined ? reachLocalWorld(this.environment) : reachStack(stack)
    })
    return this.#reaching
  }

  /** A result: as one line of JSON, or as a person reads it. */
  show(result: unknown, forPeople: () => string): Promise<void> {
    return writeTo(this.streams.stdout, `${this.json ? JSON.stringify(result) : forPeople()}\n`)
  }

  /** A line of JSON for each item, or one table of them all. */
  async list<T extends object>(items: T[], headings: string[], row: (item: T) => string[]): Promise<void> {
    if (this.json) for (const item of items) await this.show(item, String)
    else if (items.length > 0) await this.show(items, () => table(headings, items.map(row), this.paint))
  }

  /** On standard error: never part of the result. */
  note(text: string): void {
    this.streams.stderr.write(`${text}\n`)
  }

  /** How far a long command is. The total is known of a file alone: a scan of the table counts as it goes. */
  progress(label: string, total?: number): Progress {
    this.#progress = new Progress(this.streams.stderr, this.now, label, total)
    return this.#progress
  }

  /** How far the command is, for who interrupts it. */
  soFar(): string | undefined {
    return this.#progress?.soFar()
  }

  async close(): Promise<void> {
    this.#progress?.end()
    const reached = await this.#reaching?.catch(() => undefined)
    reached?.close()
  }
}

/** Page after page, until the admin function says that there are no more. */
export async function* pages<Page extends { after?: string }>(
  ask: (next: { after?: string }) => Promise<Page>,
): AsyncGenerator<Page> {
  for (let next: { after?: string } | undefined = {}; next !== undefined; ) {
    const page: Page = await ask(next)
    yield page
    next = page.after === undefined ? undefined : { after: page.after }
  }
}
