import { readFileSync } from 'node:fs'
import { Command as Commander, CommanderError, Option } from 'commander'
import { AdminRefusal } from '../../functions/admin-client.ts'
import { Trouble } from '../local/trouble.ts'
import { type Command, groups, type OptionRows } from './command.ts'
import { accountId } from './commands/users.ts'
import { commands } from './commands.ts'
import { exitCodeOf, Interrupted, messageOf, UsageError } from './errors.ts'
import { type ExitCode, exitCodeHelp, exitCodes } from './exit-codes.ts'
import { painter, writeTo } from './print.ts'
import type { Environment } from './reach.ts'
import { type Edges, openTool, type Streams, type Tool } from './tool.ts'

/** The one program, but for the process around it: words in, exit code out. */

const rows: Record<string, Command> = commands

const worldOptions = {
  stack: { value: '<name>', about: 'act in this deployed stack instead of the local world' },
  stage: { value: '<name>', about: 'act in the stack of this stage of token-vending.json' },
}
const everywhere = { json: { about: 'print results for a program: one JSON object a line' } }

const optionsOf = ({ alone, options }: Command): OptionRows => ({
  ...options,
  ...(!alone && worldOptions),
  ...everywhere,
})

/** Runs a command. `environment.npm_lifecycle_event`: npm runs it, as examples then show. */
export async function runProgram(
  words: string[],
  environment: Environment & { npm_lifecycle_event?: string },
  streams: Streams,
  edges: Edges = {},
): Promise<ExitCode> {
  const { stderr } = streams
  let exitCode: ExitCode = exitCodes.done
  const program = buildProgram(environment, streams, async (row, given, options) => {
    exitCode = await runCommand(row, given, options, { environment, streams, edges })
  })
  try {
    if (words.length === 0) {
      program.outputHelp()
      return exitCodes.usage
    }
    await program.parseAsync(arranged(words), { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.done
    if (error instanceof CommanderError || error instanceof UsageError) {
      const { word = '' } = firstOperand(words) ?? {}
      const row = Object.hasOwn(rows, word) ? rows[word] : undefined
      const help = `${invocation(environment)} help${row === undefined ? '' : ` ${word}`}`
      await writeTo(stderr, `${usageSentence(error, row)} See: ${help}\n`)
      return exitCodes.usage
    }
    const isExpected = error instanceof Trouble || error instanceof AdminRefusal
    if (isExpected) await writeTo(stderr, `${messageOf(error)}\n`)
    return exitCodeOf(error)
  }
}

interface Surroundings {
  environment: Environment
  streams: Streams
  edges: Edges
}

async function runCommand(
  row: Command,
  words: string[],
  values: Record<string, unknown>,
  { environment, streams, edges }: Surroundings,
): Promise<ExitCode> {
  const target = row.alone ? {} : { stack: values.stack, stage: values.stage }
  if (target.stack !== undefined && target.stage !== undefined && row !== commands.doctor)
    throw new UsageError('Give --stack or --stage, not both.')
  const json = values.json === true
  const tool = openTool(target as Tool['target'], json, environment, streams, edges)
  const running = row.run(tool, words, values as never)
  if (row.undoes) return await running
  try {
    return await Promise.race([running, interruption(tool)])
  } catch (error) {
    if (error instanceof Interrupted) running.catch(() => undefined)
    throw error
  } finally {
    if (!tool.signal.aborted) await tool.close()
  }
}

/** Every command may be repeated, so nothing has to be waited for. */
function interruption(tool: Tool): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => {
      const soFar = tool.soFar()
      const done = soFar === undefined ? '' : ` ${soFar} done.`
      reject(new Interrupted(`\nInterrupted.${done} Running it again is safe: what is done is found done.`))
    }
    if (tool.signal.aborted) stop()
    tool.signal.addEventListener('abort', stop, { once: true })
  })
}

type Run = (row: Command, words: string[], options: Record<string, unknown>) => Promise<void>

function buildProgram(environment: Environment, streams: Streams, run: Run): Commander {
  const { stdout } = streams
  const paint = painter(stdout, environment)
  const called = invocation(environment)
  const program = new Commander(called)
    .usage('<command> [options]')
    .description('Vends Seam client session tokens; these are its operator’s commands.')
    .version(version(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this; after a command, or as help <command>, that command’s help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      outputError: () => {},
      getOutHelpWidth: () => stdout.columns ?? 110,
      getOutHasColors: () => true,
    })
    .configureHelp({
      styleTitle: (text) => paint('bold', text),
      subcommandTerm: (command) => `${command.name()} ${command.usage().replace('[options]', '')}`.trim(),
    })
    .addHelpText(
      'after',
      `\n--stack NAME or --stage NAME acts in a deployed stack; without either, the local world.\n\n${exitCodeHelp}`,
    )
  for (const [name, row] of Object.entries(rows)) addCommand(program, name, row, called, run)
  return program
}

function addCommand(program: Commander, name: string, row: Command, called: string, run: Run): void {
  const examples = row.examples.map((example) => {
    const silent = /> |--json/.test(example) ? called.replace('npm run ', 'npm run -s ') : called
    return `  ${silent} ${example}`
  })
  const command = program
    .command(name)
    .summary(row.about)
    .description(`${row.about[0]?.toUpperCase()}${row.about.slice(1)}.`)
    .helpGroup(groups[row.group])
    .helpOption('-h, --help', 'print this')
    .addHelpText('after', `\nExamples:\n${examples.join('\n')}\n\n${exitCodeHelp}`)
  for (const [word, about] of Object.entries(row.words ?? {})) command.argument(word, about)
  const options = Object.entries(optionsOf(row)).map(([name, { value, list, about }]) => {
    const option = new Option(value === undefined ? `--${name}` : `--${name} ${value}`, about)
    if (list) option.argParser((one: string, all: string[] = []) => [...all, one])
    command.addOption(option)
    return { name, option, none: value === undefined ? false : list ? [] : undefined }
  })
  command.action(() => {
    const given = command.opts()
    const values = options.map(({ name, option, none }) => {
      const value = given[option.attributeName()] ?? none
      if (typeof value === 'string' && value.startsWith('--'))
        throw new UsageError(`--${name} needs a value; ${value} is an option.`)
      return [name, value]
    })
    checkWords(row, command.args)
    return run(row, command.args, Object.fromEntries(values))
  })
}

/** What a word may be, by its name. Checked before any world is reached. */
const wordChecks: Record<string, (word: string) => unknown> = {
  account: accountId,
  subject: checkSubject,
  from: checkSubject,
  to: checkSubject,
}

function checkWords(row: Command, words: string[]): void {
  const names = Object.keys(row.words ?? {}).map((word) => word.replaceAll(/\W/g, ''))
  for (const [index, word] of words.entries()) wordChecks[names[index] ?? names.at(-1) ?? '']?.(word)
}

function checkSubject(word: string): void {
  if (/^[^|]+\|./s.test(word)) return
  throw new UsageError(
    `${JSON.stringify(word)} is not a whole subject; give <issuer name>|<sub> in quotes, such as 'main|ada'.`,
  )
}

/** Options may come before the command, and `help <command>` is `<command> --help`. */
function arranged(words: string[]): string[] {
  if (words[0] === 'help') return words.length === 1 ? ['--help'] : helpFor(words.slice(1))
  const first = firstOperand(words)
  if (first === undefined) {
    if (words.some((word) => ['-h', '--help', '--version'].includes(word))) return words
    throw new UsageError(`${words[0]} belongs to a command; name one of ${Object.keys(rows).join(', ')}.`)
  }
  const { word, index } = first
  return Object.hasOwn(rows, word) ? [word, ...words.toSpliced(index, 1)] : [word]
}

function helpFor(words: string[]): string[] {
  const name = words[0] ?? ''
  return Object.hasOwn(rows, name) ? [name, '--help'] : [name]
}

const withValue = new Set(
  Object.values(rows).flatMap((row) =>
    Object.entries(optionsOf(row)).flatMap(([name, { value }]) => (value === undefined ? [] : [`--${name}`])),
  ),
)

/** The first word that is neither an option nor the value of one. */
function firstOperand(words: string[]): { word: string; index: number } | undefined {
  const index = words.findIndex((word, at) => !/^-./.test(word) && !withValue.has(words[at - 1] ?? ''))
  const word = words[index]
  return word === undefined ? undefined : { word, index }
}

/** What to change, without any value that may be a secret. */
function usageSentence(error: CommanderError | UsageError, row: Command | undefined): string {
  if (error instanceof UsageError) return error.message.replace(/([^.?!])$/, '$1.')
  if (error.code === 'commander.excessArguments' && row?.words === undefined)
    return 'This command takes only options. If that was a secret, it is in the shell’s history now: make another one.'
  const [what = '', meant = ''] = error.message.replace(/^error: /, '').split('\n')
  const [, flag = ''] = /--([\w-]+)=/.exec(what) ?? []
  if (row !== undefined && Object.hasOwn(optionsOf(row), flag)) return `--${flag} takes no value.`
  const safe = what.replace(/(--[\w-]+)=[^']*/, '$1').replaceAll(/seam_\w+|eyJ[\w.-]+/g, '…')
  return `${safe[0]?.toUpperCase()}${safe.slice(1).replace(/\.$/, '')}.${meant && ` ${meant.replace(/[()]/g, '')}`}`
}

function invocation({ npm_lifecycle_event }: Environment & { npm_lifecycle_event?: string }): string {
  return npm_lifecycle_event === undefined ? 'seam-token-vending' : 'npm run token-vending --'
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
