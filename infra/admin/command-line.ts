import { parseArgs } from 'node:util'
import { AdminRefusal } from '../../functions/admin-client.ts'
import { Trouble } from '../local/trouble.ts'
import { type Options, type Row, rows } from './commands.ts'
import { type ExitCode, exitCodeHelp, exitCodeOf, exitCodeOfTrouble, exitCodes } from './exit-codes.ts'
import { explainOffline } from './offline.ts'
import { type Environment, type Reach, reachLocalWorld, reachStack } from './reach.ts'
import { type Streams, type Tool, writeTo } from './tool.ts'

/** `npm run admin -- <command> …`, but for the process around it. */
export async function runAdmin(
  words: string[],
  environment: Environment,
  streams: Streams,
): Promise<ExitCode> {
  const { stderr, stdout } = streams
  const [name = '', ...rest] = words
  if (name === '' || name === '--help' || name === 'help') {
    await writeTo(stdout, `${overview()}\n`)
    return name === '' ? exitCodes.usage : exitCodes.done
  }
  const row = Object.hasOwn(rows, name) ? rows[name] : undefined
  if (row === undefined) {
    await writeTo(
      stderr,
      `There is no command ${JSON.stringify(name)}; it is one of ${Object.keys(rows).join(', ')}.\n`,
    )
    return exitCodes.usage
  }
  let parsed: { positionals: string[]; values: Options }
  try {
    parsed = read(rest, row)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    await writeTo(stderr, `${message}\n\n${help(name, row)}\n`)
    return exitCodes.usage
  }
  if (parsed.values.help === true) {
    await writeTo(stdout, `${help(name, row)}\n`)
    return exitCodes.done
  }
  return run(name, row, parsed, environment, streams)
}

async function run(
  name: string,
  row: Row,
  { positionals, values }: { positionals: string[]; values: Options },
  environment: Environment,
  streams: Streams,
): Promise<ExitCode> {
  const { stderr, stdout } = streams
  const json = values.json === true
  let reach: Reach | undefined
  try {
    reach = await reachOf(name, values, environment)
    const tool: Tool = {
      callAdmin: reach.callAdmin,
      auditTrail: reach.auditTrail,
      environment,
      streams,
      json,
      now: Date.now,
      show: (result, forPeople) => writeTo(stdout, `${json ? JSON.stringify(result) : forPeople()}\n`),
      note: (text) => void stderr.write(`${text}\n`),
    }
    return await row.run(tool, positionals, values)
  } catch (error) {
    if (error instanceof Trouble) {
      await writeTo(stderr, `${error.message}\n`)
      return exitCodeOfTrouble(error)
    }
    if (!(error instanceof AdminRefusal)) throw error
    const { code, reason, dependency } = error.problem
    const why = [code, dependency, reason].filter(Boolean).join(', ')
    const hint =
      code === 'not_found' && reason !== 'unknown_account'
        ? " A subject is written whole, such as 'main|ada'; `list` shows those there are."
        : ''
    await writeTo(stderr, `${error.message}${hint} (${why}; request ${error.requestId})\n`)
    return exitCodeOf(error)
  } finally {
    reach?.close()
  }
}

/** The local world, a deployed stack, or for `explain` nothing but the configuration. */
async function reachOf(name: string, values: Options, environment: Environment): Promise<Reach> {
  if (values.stack !== undefined) return reachStack(String(values.stack), environment)
  if (name !== 'explain') return reachLocalWorld(environment)
  const stage = values.stage === undefined ? undefined : String(values.stage)
  const local = stage === undefined ? await reachLocalWorld(environment).catch(noWorld) : undefined
  return local ?? offlineReach(stage)
}

function noWorld(error: unknown): undefined {
  if (!(error instanceof Trouble)) throw error
}

function offlineReach(stage: string | undefined): Reach {
  return {
    async callAdmin(command, params) {
      if (command !== 'explain' || !('token' in params))
        throw new Trouble(`${command} needs a world to act in.`)
      return (await explainOffline(params.token, stage)) as never
    },
    async *auditTrail() {},
    close: () => {},
  }
}

const common = {
  stack: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

function read(words: string[], row: Row): { positionals: string[]; values: Options } {
  const { positionals, values } = parseArgs({
    args: words,
    options: { ...row.options, ...common },
    allowPositionals: true,
  })
  const [least, most] = row.words
  if (values.help !== true && positionals.length < least)
    throw new Error(`Something is missing of ${row.usage}.`)
  if (positionals.length > most) throw new Error(`${JSON.stringify(positionals[most])} is one word too many.`)
  return { positionals, values: values as Options }
}

function overview(): string {
  const width = Math.max(...Object.keys(rows).map((name) => name.length))
  return [
    'npm run admin -- <command> …        in the local world that runs',
    'npm run admin -- <command> … --stack NAME   in a deployed stack',
    '',
    ...Object.entries(rows).map(([name, { about }]) => `  ${name.padEnd(width)}  ${about}`),
    '',
    '--json prints results for a program: one JSON object a line. <command> --help shows examples.',
    'Where a file or a program reads the results, say "npm run -s admin": else npm prints lines of its own before them.',
    '',
    exitCodeHelp,
  ].join('\n')
}

function help(name: string, { usage, about, examples }: Row): string {
  return [
    `npm run admin -- ${name} ${usage}`.trimEnd(),
    '',
    `${about[0]?.toUpperCase()}${about.slice(1)}.`,
    '',
    'Examples:',
    ...examples.map((example) => `  npm run ${/>|--json/.test(example) ? '-s ' : ''}admin -- ${example}`),
    '',
    'Options of every command: --stack NAME, --json, --help.',
    exitCodeHelp,
  ].join('\n')
}
