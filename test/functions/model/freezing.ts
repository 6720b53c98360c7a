import { type Played, play } from './play.ts'
import type { Protocol } from './protocol.ts'
import type { Scenario } from './scenario.ts'

/**
 * No clock tells a process that it froze between taking a time and writing it, so nothing is promised where that took
 * longer than clocks may differ. Why a break counts apart: such a time was written, and all is well when the very same
 * writes, as late, carry the time at which they are sent. Undefined: the break is the protocol's.
 */
export async function whyApart(
  scenario: Scenario,
  { failure, writtenLate }: Played,
  by: Protocol,
): Promise<string | undefined> {
  if (failure === undefined || writtenLate === undefined) return undefined
  const commands = scenario.commands.map((command) =>
    command.do === 'freeze' ? { ...command, inTime: true } : command,
  )
  const inTime = await play({ ...scenario, commands }, { by })
  return inTime.failure === undefined ? writtenLate : undefined
}
