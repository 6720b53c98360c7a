import type { Explanation } from '../../../functions/operator/client.ts'
import { readSecretLine } from '../asking.ts'
import { command } from '../command.ts'
import type { Finding } from '../doctor/finding.ts'
import { exitCodes, UsageError } from '../errors.ts'
import { shellQuoted } from '../print.ts'
import { when } from '../times.ts'

/** What is wrong: with a world, or with a bearer token. */

export const doctor = command({
  about: 'examine the local world, a stack or an endpoint, and say what to do',
  options: {
    endpoint: { value: '<url>', about: 'only from outside, over HTTPS: the stack’s output "Endpoint"' },
    token: {
      value: '<->',
      about:
        'try one vend, its refusals and one sign-out with the bearer token on standard input; ends its user’s client session',
    },
  },
  examples: [
    'doctor',
    'doctor --stack token-vending-prod',
    'doctor --stage prod --token - < bearer-token.txt',
  ],
  async run(tool, _, options) {
    const { endpoint } = options
    if (tool.target.stack !== undefined && endpoint !== undefined)
      throw new UsageError('Give --stack or --endpoint, not both: the stack knows its endpoint.')
    const token = options.token && (await readSecretLine(tool.streams, 'bearer token'))
    const { examine } = await import('../doctor/examine.ts')
    const { findingLine, summary } = await import('../doctor/finding.ts')
    const all: Finding[] = []
    for await (const finding of examine(tool, endpoint, token)) {
      all.push(finding)
      await tool.show(finding, () => findingLine(finding, tool.paint))
    }
    if (!tool.json) await tool.show(undefined, () => `\n${summary(all)}`)
    return all.some(({ state }) => state === 'bad') ? exitCodes.unexpected : exitCodes.done
  },
})

export const explain = command({
  about: 'say what is wrong with a bearer token on standard input, or show its user and verdict',
  examples: ['explain < token.txt', 'explain --stage prod < token.txt'],
  async run(tool) {
    const token = await readSecretLine(tool.streams, 'bearer token')
    const explanation = await tool.callAdmin('explain', { token })
    const isHandedOut = explanation.accepted && explanation.verdict !== undefined
    const exitCode = isHandedOut ? exitCodes.done : exitCodes.refused
    return tool.show(explanation, () => explained(explanation), exitCode)
  },
})

function explained(explanation: Explanation): string {
  if (!explanation.accepted) return `Not accepted (${explanation.reason}). ${explanation.sentence}`
  const { subject, issuer, issued_at, verdict, sentence } = explanation
  const issued = issued_at === undefined ? '' : `, issued ${when(issued_at)}`
  return [
    `Accepted: ${shellQuoted(subject)}, of the issuer ${issuer}${issued}.`,
    `${sentence}${verdict === undefined ? '' : ` (${verdict})`}`,
  ].join('\n')
}
