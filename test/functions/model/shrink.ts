import { play } from './play.ts'
import type { Command, Scenario } from './scenario.ts'

/** The smallest scenario found that still breaks the same invariant, with nothing left to be drawn. */
export async function shrink(scenario: Scenario, most = 4000): Promise<Scenario> {
  const broken = (await play(scenario)).failure?.invariant
  let best = scenario
  let plays = 0
  await attempt((await play(scenario)).retold())
  for (let before = ''; before !== JSON.stringify(best) && plays < most; ) {
    before = JSON.stringify(best)
    await dropCommands()
    await simplifyWorld()
    await simplifyFates()
    await simplifyGaps()
  }
  return best

  async function attempt(smaller: Scenario): Promise<boolean> {
    if (JSON.stringify(smaller) === JSON.stringify(best)) return false
    if (++plays > most) return false
    const holds = (await play(smaller)).failure?.invariant !== broken
    if (!holds) best = smaller
    return !holds
  }

  async function dropCommands(): Promise<void> {
    for (let many = Math.ceil(best.commands.length / 2); many >= 1; many = many > 1 ? many >> 1 : 0)
      for (let i = best.commands.length - many; i >= 0; i -= many) {
        const gone = best.commands.slice(i, i + many)
        const late = gone.reduce((sum, { after }) => sum + (typeof after === 'number' ? after : 0), 0)
        const rest = [...best.commands.slice(0, i), ...best.commands.slice(i + many)]
        if (await attempt({ ...best, commands: rest })) continue
        const next = rest[i]
        if (next === undefined || typeof next.after !== 'number') continue
        await attempt({ ...best, commands: rest.with(i, { ...next, after: next.after + late }) })
      }
  }

  async function simplifyWorld(): Promise<void> {
    await attempt({ ...best, clocks: [0] })
    await attempt({ ...best, users: best.users.slice(0, 1) })
    await attempt({ ...best, offer: 0 })
    await attempt({ ...best, trouble: 0 })
    for (const plain of [
      { get_or_create: 'replaces' },
      { dead_sessions: 'stay_dead' },
      { unknown_account: 400 },
      { list: 'live' },
    ] as const)
      await attempt({ ...best, readings: { ...best.readings, ...plain } })
    for (let user = 0; user < best.users.length; user++) {
      const accounts = best.users[user]
      for (const account of accounts ?? [])
        await attempt({
          ...best,
          users: best.users.with(user, accounts?.filter((one) => one !== account) ?? null),
        })
    }
  }

  async function simplifyFates(): Promise<void> {
    for (let i = 0; i < best.commands.length; i++) {
      const fates = () => best.commands[i]?.fates ?? []
      if (fates().length === 0) continue
      const { fates: _, ...bare } = best.commands[i] as Command
      if (await attempt(withCommand(i, bare))) continue
      while (fates().length > 0 && (await attempt(withFates(i, fates().slice(0, -1))))) {}
      for (let call = 0; call < fates().length; call++) {
        const fate = fates()[call]
        if (fate === undefined) continue
        if (await attempt(withFates(i, fates().with(call, [1, 0])))) continue
        const [go, _back, ...trouble] = fate
        if (await attempt(withFates(i, fates().with(call, [1, 0, ...trouble])))) continue
        await attempt(withFates(i, fates().with(call, [go, 0, ...trouble])))
      }
    }
  }

  async function simplifyGaps(): Promise<void> {
    for (let i = 0; i < best.commands.length; i++) {
      const command = best.commands[i] as Command
      if (typeof command.after !== 'number') continue
      for (const after of [0, 10, 1000, 10_000, 100_000])
        if (after < command.after && (await attempt(withCommand(i, { ...command, after })))) break
    }
  }

  function withCommand(i: number, command: Command): Scenario {
    return { ...best, commands: best.commands.with(i, command) }
  }

  function withFates(i: number, fates: NonNullable<Command['fates']>): Scenario {
    return withCommand(i, { ...(best.commands[i] as Command), fates })
  }
}
