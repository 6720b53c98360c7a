import { readSecretLine } from '../asking.ts'
import { command } from '../command.ts'
import type { Finding } from '../doctor/finding.ts'
import { exitCodes, UsageError } from '../errors.ts'

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
    for await (const findings of examine(tool, endpoint, token))
      for (const finding of findings) {
        all.push(finding)
        await tool.show(finding, () => findingLine(finding, tool.paint))
      }
    if (!tool.json) await tool.show(undefined, () => `\n${summary(all)}`)
    return all.some(({ state }) => state === 'bad') ? exitCodes.unexpected : exitCodes.done
  },
})
