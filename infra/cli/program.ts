import { once } from 'node:events'
import { Command as Commander, CommanderError, Option } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import { safeAddress } from '../local/environment.ts'
import type { Command, OptionRows } from './command.ts'
import { commands, groups } from './commands.ts'
import type { Target } from './configuration.ts'
import {
  type ExitCode,
  exitCodeHelp,
  exitCodeOf,
  exitCodes,
  Interrupted,
  isUsageError,
  messageOf,
  UsageError,
} from './errors.ts'
import { painter, writeTo } from './print.ts'
import { type Environment, type Overrides, type Streams, Tool } from './tool.ts'

/** The one program, but for the process around it: words in, exit code out. */

const worldOptions = {
  stack: { value: '<name>', about: 'act in this deployed stack instead of the local world' },
  stage: { value: '<name>', about: 'act in the stack of this stage of token-vending.json' },
}
const everywhere = { json: { about: 'print results for a program: one JSON object a line' } }

const optionsOf = ({ isWorldless, options }: Command): OptionRows => ({
  ...options,
  ...(!isWorldless && worldOptions),
  ...everywhere,
})

type Run = (row: Command, words: string[], options: Record<string, unknown>) => Promise<void>

export async function runProgram(
  words: string[],
  environment: Environment,
  streams: Streams,
  deps: Overrides = {},
): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.done
  const program = buildProgram(environment, streams, async (row, given, options) => {
    const { stack, stage } = options as Target
    if (stack !== undefined && stage !== undefined && row !== commands.doctor)
      throw new UsageError('Give --stack or --stage, not both.')
    const tool = new Tool({ stack, stage }, options.json === true, environment, streams, deps)
    exitCode = await runCommand(row, tool, given, options)
  })
  try {
    if (words.length > 0) await program.parseAsync(arranged(words), { from: 'user' })
    else program.outputHelp()
    return words.length > 0 ? exitCode : exitCodes.usage
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.done
    if (error instanceof CommanderError || isUsageError(error)) {
      const { word = '' } = firstOperand(words) ?? {}
      const row = Object.hasOwn(commands, word) ? commands[word] : undefined
      const help = `${invocation(environment)} help${row === undefined ? '' : ` ${word}`}`
      await writeTo(streams.stderr, `${usageSentence(error, row)} See: ${help}\n`)
      return exitCodes.usage
    }
    const message = messageOf(error)
    if (message !== undefined) await writeTo(streams.stderr, `${message}\n`)
    return exitCodeOf(error)
  }
}

async function runCommand(row: Command, tool: Tool, words: string[], options: Record<string, unknown>) {
  const running = row.run(tool, words, options as never)
  if (row.undoes) return await running
  // Every command may be repeated, so an interrupted one need not be waited for.
  running.catch(() => undefined)
  try {
    return await Promise.race([running, interruption(tool)])
  } finally {
    if (!tool.deps.signal.aborted) await tool.close()
  }
}

async function interruption(tool: Tool): Promise<never> {
  const { signal } = tool.deps
  if (!signal.aborted) await once(signal, 'abort')
  const soFar = tool.soFar()
  const done = soFar === undefined ? '' : ` ${soFar} done.`
  throw new Interrupted(`\nInterrupted.${done} Running it again is safe: what is done is found done.`)
}

function buildProgram(environment: Environment, { stdout }: Streams, run: Run): Commander {
  const paint = painter(stdout, environment)
  const called = invocation(environment)
  const program = new Commander(called)
    .usage('<command> [options]')
    .description('Vends Seam client session tokens; these are its operator’s commands.')
    .version(packageJson.version, '--version', 'print the version')
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
      subcommandTerm: (command) =>
        `${command.name()} ${command.usage().replace('[options] ', '')}`.replace(' [options]', ''),
    })
    .addHelpText(
      'after',
      `\n--stack NAME or --stage NAME acts in a deployed stack; without either, the local world.\n\n${exitCodeHelp}`,
    )
  for (const [heading, some] of Object.entries(groups))
    for (const [name, row] of Object.entries(some))
      addCommand(program.command(name).helpGroup(heading), row, called, run)
  return program
}

function addCommand(command: Commander, row: Command, called: string, run: Run): void {
  const examples = row.examples.map((example) => `  ${called} ${example}`)
  command
    .summary(row.about)
    .description(`${row.about[0]?.toUpperCase()}${row.about.slice(1)}.`)
    .helpOption('-h, --help', 'print this')
    .addHelpText('after', `\nExamples:\n${examples.join('\n')}\n\n${exitCodeHelp}`)
  for (const [word, about] of Object.entries(row.words ?? {}))
    command.argument(word, about, checks[word.replaceAll(/\W/g, '')] ?? String)
  for (const [name, { value, list, choices, about }] of Object.entries(optionsOf(row))) {
    const flags = value === undefined ? `--${name}` : `--${name} ${value}`
    const option = new Option(flags, list ? `${about}; may be repeated` : about)
    const check = checks[name]
    if (check) option.argParser(check)
    if (choices) option.choices(choices)
    if (list) option.argParser((one: string, all: string[] = []) => [...all, one])
    command.addOption(option)
  }
  command.action(() => {
    const given = command.opts()
    for (const option of command.options) {
      const value = given[option.attributeName()]
      if (value === '') throw new UsageError(`${option.long} needs a value.`)
      if (typeof value === 'string' && value.startsWith('--'))
        throw new UsageError(`${option.long} needs a value; ${value} is an option.`)
    }
    return run(row, command.args, given)
  })
}

const shaped = (shape: RegExp, otherwise: (word: string) => string) => (word: string) => {
  if (shape.test(word)) return word
  throw new UsageError(otherwise(JSON.stringify(word)))
}

const subject = shaped(
  /^[^|]+\|./s,
  (word) => `${word} is not a whole subject; give <issuer name>|<sub> in quotes, such as 'main|ada'.`,
)

/** What a word or the value of an option may be, by its name. Checked before any world is reached. */
const checks: Record<string, (word: string) => string> = {
  // Seam's are UUIDs: a typing error must not become a record, which would leave its user without the account.
  account: shaped(
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
    (word) => `${word} is not the id of a connected account (a UUID); \`accounts\` shows them.`,
  ),
  subject,
  from: subject,
  to: subject,
  limit: shaped(/^[1-9]\d{0,6}$/, (word) => `--limit: ${word} is not a whole number from 1.`),
  token: shaped(
    /^-$/,
    () => '--token: give "-", and the token on standard input; an argument stays in the shell’s history.',
  ),
  endpoint(word) {
    const safe = safeAddress(word)
    if (safe !== undefined) return safe
    throw new UsageError('--endpoint: give an https:// address, since a secret is sent there.')
  },
}

/** Options may come before the command, and `help <command>` is `<command> --help`. */
function arranged(words: string[]): string[] {
  if (words[0] === 'help') {
    const [, word] = words
    return word === undefined || Object.hasOwn(commands, word) ? [...words.slice(1, 2), '--help'] : [word]
  }
  const first = firstOperand(words)
  if (first !== undefined) {
    const { word, index } = first
    return Object.hasOwn(commands, word) ? [word, ...words.toSpliced(index, 1)] : [word]
  }
  if (words.some((word) => ['-h', '--help', '--version'].includes(word))) return words
  throw new UsageError(`${words[0]} belongs to a command; name one of ${Object.keys(commands).join(', ')}.`)
}

const withValue = new Set(
  Object.values(commands).flatMap((row) =>
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
function usageSentence(error: Error, row: Command | undefined): string {
  if (!(error instanceof CommanderError)) return error.message.replace(/([^.?!])$/, '$1.')
  if (error.code === 'commander.excessArguments' && row?.words === undefined)
    return 'This command takes only options. If that was a secret, it is in the shell’s history now: make another one.'
  const [what = '', meant = ''] = error.message.replace(/^error: /, '').split('\n')
  const [, flag = ''] = /--([\w-]+)=/.exec(what) ?? []
  if (row !== undefined && Object.hasOwn(optionsOf(row), flag)) return `--${flag} takes no value.`
  const safe = what.replace(/(--[\w-]+)=[^']*/, '$1').replaceAll(/seam_\w+|eyJ[\w.-]+/g, '…')
  return `${safe[0]?.toUpperCase()}${safe.slice(1).replace(/\.$/, '')}.${meant && ` ${meant.replace(/[()]/g, '')}`}`
}

const invocation = ({ npm_lifecycle_event: script }: Environment) =>
  script === undefined || script === 'npx'
    ? `${script ?? ''} seam-token-vending`.trim()
    : 'npm run -s token-vending --'
