import { readFileSync } from 'node:fs'
import { openapi } from '@seamapi/types/connect'
import { expect, test } from 'vitest'

/** What a client session token opens, as Seam's own package says: by the authentication that each path takes. */

interface Operation {
  security?: Record<string, unknown>[]
  'x-undocumented'?: string
  'x-deprecated'?: string
}

const { version } = JSON.parse(readFileSync('node_modules/@seamapi/types/package.json', 'utf8'))
const paths = Object.entries(openapi.paths as Record<string, Record<string, Operation>>)
const taking = (scheme: string) =>
  paths.filter(([, operations]) =>
    Object.values(operations).some(({ security = [] }) => security.some((one) => scheme in one)),
  )
const ours = taking('client_session')
const names = ours.map(([path]) => path)
const changing = names.filter((path) => !/\/(get|list|connector_types)(_(?!or_create)\w+)?$/.test(path))
const forCustomers = taking('client_session_with_customer').filter(([path]) => !names.includes(path))
const sentence = `${ours.length} paths of Seam's API take it, ${changing.length} of which change something`

const groups = Object.entries(Object.groupBy(ours, ([path]) => path.split('/')[1] ?? ''))

const text = `# What a client session token may call

Made from \`@seamapi/types\` ${version} by \`npm test -- test/infra/client-session-paths.test.ts -u\`:
${sentence}. It reaches them for the devices of its connected
accounts. The package says which authentication a path takes, not what production Seam does with it: nothing here was
tried there.

**Bold** changes something; *undocumented* is what Seam keeps to itself. A token that carries a \`customer_key\`, which
this service never makes, may call ${forCustomers.length} more.

${groups.map(([group, some = []]) => `- \`/${group}\`: ${some.map(listed).join(', ')}`).join('\n')}
`

function listed([path, operations]: (typeof ours)[number]): string {
  const name = path.split('/').slice(2).join('/')
  const marked = changing.includes(path) ? `**${name}**` : name
  return Object.values(operations).some((one) => one['x-undocumented'])
    ? `${marked} *(undocumented)*`
    : marked
}

test('the list is what Seam’s package says, and the README counts it right', async () => {
  await expect(text).toMatchFileSnapshot('../../infra/client-session-paths.md')
  expect(readFileSync('README.md', 'utf8').replaceAll(/\s+/g, ' ')).toContain(sentence)
})

test('it opens doors and makes access codes, and neither client sessions nor webhooks', () => {
  expect(changing).toEqual(expect.arrayContaining(['/locks/unlock_door', '/access_codes/create']))
  expect(names.filter((path) => path.startsWith('/client_sessions/'))).toEqual(['/client_sessions/get'])
  expect(names.filter((path) => /webhook|api_key|workspaces\/(create|update)/.test(path))).toEqual([])
})
