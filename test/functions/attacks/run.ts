import { judge } from './judge.ts'
import { table } from './table.ts'
import { startAttackedWorld } from './world.ts'

/** Writes which rows are answered otherwise than the table says, by their place in it: what the mutation run asks of its copy. */

const world = await startAttackedWorld()
const red: number[] = []
for (const [place, row] of table.entries())
  if ((await judge(world, 'app', row)).answer.length > 0) red.push(place)
await world.close()
process.stdout.write(JSON.stringify(red))
process.exit()
