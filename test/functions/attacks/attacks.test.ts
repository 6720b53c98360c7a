import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { judge } from './judge.ts'
import type { Row } from './row.ts'
import { badRows, table } from './table.ts'
import { type AttackedWorld, doors, startAttackedWorld } from './world.ts'

const root = new URL('../../..', import.meta.url).pathname
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

  it('has at least five attacks of each class', () => {
    const classes = Object.groupBy(badRows, (row) => row.class)
    for (const [name, rows] of Object.entries(classes))
      expect([name, (rows?.length ?? 0) >= 5]).toEqual([name, true])
  })

  it('has every class that was thought of', () => {
    expect([...new Set(badRows.map((row) => row.class))]).toEqual([
      'credentials',
      'no JWS',
      'encoding',
      'duplicate members and size',
      'no algorithm',
      'algorithm confusion',
      'bent signatures',
      'keys that are not the issuer’s, or not for this',
      'key ids',
      'keys in the header',
      'extensions',
      'kinds of token',
      'issuers',
      'audiences',
      'tokens bound to a key',
      'security events',
      'claim rules',
      'times',
      'subjects',
      'prototypes',
      'requests',
      'methods and paths',
      'pages of other origins',
      'issuers that cannot be trusted now',
    ])
  })
})

describe('the judge', () => {
  const answering = (answer: () => Response): AttackedWorld => ({
    ...world,
    doors: { ...world.doors, app: async () => answer() },
  })
  const spared = async (rows: Row[], answer: () => Response) => {
    const verdicts = await Promise.all(rows.map((row) => judge(answering(answer), 'app', row)))
    return rows.filter((_, place) => verdicts[place]?.answer.length === 0).map(({ name }) => name)
  }

  it('finds every attack that a door lets in', async () => {
    expect(await spared(badRows, () => Response.json({ token: 'seam_cst1' }, { status: 201 }))).toEqual([])
  })

  it('finds every honest request that a door keeps out', async () => {
    const honest = table.filter((row) => 'vends' in row.answer)
    expect(await spared(honest, () => Response.json({}, { status: 401 }))).toEqual([])
  })
})

describe('the threat model', () => {
  const model = readFileSync(join(import.meta.dirname, 'THREATS.md'), 'utf8')
  const threats = model.split('\n').filter((line) => /^\| (?!attacker|---)/.test(line))
  const tests = globSync('test/**/*.ts', { cwd: root }).filter((file) => !file.includes('node_modules'))

  it('names tests that are there, at least one for each attack', () => {
    const here = readFileSync(import.meta.filename, 'utf8')
    for (const threat of threats) {
      const proofs = threat.split(/(?<!\\)\|/).at(-2) ?? ''
      const named = proofs.match(/(?<=`)[\w./-]+\.ts(?=`)/g) ?? []
      const quoted = proofs.match(/(?<=")[^"]+(?=")/g) ?? []
      expect(named.length + quoted.length, threat).toBeGreaterThan(0)
      expect(named.filter((name) => !tests.some((file) => file.endsWith(`/${name}`)))).toEqual([])
      expect(quoted.filter((title) => !here.includes(`it('${title}'`))).toEqual([])
    }
  })

  it('tells how many answers are judged', () => {
    expect(model).toContain(`each of the ${table.length * doors.length} answers`)
  })
})
