import type { ExitCode } from './errors.ts'
import type { Tool } from './tool.ts'

/** What an operator can type: one row per command, from which parser, help and completeness follow. */

interface OptionRow {
  /** What follows the option, such as `<time>`; absent: it is a flag. */
  value?: string
  /** It may be given several times. */
  list?: true
  choices?: readonly string[]
  about: string
}
export type OptionRows = Record<string, OptionRow>

type Camel<S extends string> = S extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : S

/** As commander has them: `--dry-run` is `dryRun`, and what was not given is absent. */
export type OptionsOf<O extends OptionRows> = {
  [Name in keyof O & string as Camel<Name>]?: O[Name] extends { list: true }
    ? string[]
    : O[Name] extends { choices: readonly (infer Choice)[] }
      ? Choice
      : O[Name] extends { value: string }
        ? string
        : true
}

export interface Command<O extends OptionRows = OptionRows> {
  about: string
  /** What follows the name, in commander's notation, with what each word is. */
  words?: Record<string, string>
  options?: O
  examples: [string, ...string[]]
  /** It acts in no world, so it takes neither `--stack` nor `--stage`. */
  isWorldless?: true
  /** It undoes what it did when interrupted, and is waited for. */
  undoes?: true
  run(tool: Tool, words: string[], options: OptionsOf<O>): Promise<ExitCode>
}

/** For its types: an option that the row does not have does not compile. */
export function command<const O extends OptionRows>(row: Command<O>): Command {
  return row as unknown as Command
}
