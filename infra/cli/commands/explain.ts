import type { Explanation } from '../../../functions/operator/client.ts'
import { readSecretLine } from '../asking.ts'
import { command } from '../command.ts'
import { exitCodes } from '../errors.ts'
import { shellQuoted } from '../print.ts'
import { when } from '../times.ts'

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
