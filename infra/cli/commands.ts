import type { CommandName } from '../../functions/operator/client.ts'
import type { Command } from './command.ts'
import { accountCommands } from './commands/accounts.ts'
import { bulkCommands } from './commands/bulk.ts'
import { cleanup } from './commands/cleanup.ts'
import { doctor, explain } from './commands/doctor.ts'
import { init } from './commands/init.ts'
import { probe } from './commands/probe.ts'
import { sessionCommands } from './commands/sessions.ts'
import { setup } from './commands/setup.ts'
import { userCommands } from './commands/users.ts'

type Kebab<S extends string> = S extends `${infer Head}_${infer Tail}` ? `${Head}-${Kebab<Tail>}` : S

/** What the admin function can do must be on the command line too; `end-session --token` is `end_token`. */
type Needed = Kebab<Exclude<CommandName, 'end_token'>>

const start = { init, setup, doctor, explain, probe }
const users = { ...userCommands, ...accountCommands }
const bulk = { ...bulkCommands, cleanup }

const all = { ...start, ...users, ...sessionCommands, ...bulk } satisfies Record<Needed, Command>
export const commands: Record<string, Command> = all

/** As help lists them. */
export const groups: Record<string, Record<string, Command>> = {
  'Set up and examine:': start,
  'Users and their accounts:': users,
  'Client sessions:': sessionCommands,
  'Everything at once:': bulk,
}
