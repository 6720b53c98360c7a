import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defences, type Patch } from './defences.ts'
import { judge } from './judge.ts'
import { placeOf, sourceIn } from './source.ts'
import { badRows, table } from './table.ts'
import { type AttackedWorld, doors, startAttackedWorld } from './world.ts'

let world: AttackedWorld
beforeAll(async () => {
  world = await startAttackedWorld()
})
afterAll(() => world.close())

describe.each(doors)('through the door %s', (door) => {
  it.each(table.map((row) => [row.class, row.name, row] as const))('%s: %s', async (_class, _name, row) => {
    expect(await judge(world, door, row)).toEqual({ answer: [], log: [] })
  })

  it('nobody made us ask an address of theirs', () => {
    expect(world.attacker.requests).toEqual([])
  })
})

describe('the table', () => {
  it('has at least 150 attacks and 30 good requests, each named once', () => {
    expect(badRows.length).toBeGreaterThanOrEqual(150)
    expect(table.length - badRows.length).toBeGreaterThanOrEqual(30)
    expect(new Set(table.map((row) => `${row.class}: ${row.name}`)).size).toBe(table.length)
  })

  it('has at least five attacks of each class, each with a defence', () => {
    const classes = Object.groupBy(badRows, (row) => row.class)
    for (const [name, rows] of Object.entries(classes))
      expect([name, (rows?.length ?? 0) >= 5]).toEqual([name, true])
    expect(badRows.filter((row) => row.defences.length === 0)).toEqual([])
  })

  it('names no defence that is not in the source', () => {
    const source = sourceIn(new URL('../../..', import.meta.url).pathname)
    const faults = Object.values<Patch[]>(defences)
      .flat()
      .flatMap((patch) => {
        try {
          placeOf(patch, source)
          return []
        } catch (error) {
          return [String(error)]
        }
      })
    expect(faults).toEqual([])
  })
})
