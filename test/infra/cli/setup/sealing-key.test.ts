import { expect, test } from 'vitest'
import { deadlineIn } from '../../../../functions/http/deadline.ts'
import { sealingKeysFrom, tokenSealer } from '../../../../functions/session/seal.ts'
import { runProgram } from '../../../../infra/cli/program.ts'
import { someOutputs, startCloud } from '../aws/cloud.ts'
import { runHere } from '../aws/command.ts'

const deadline = deadlineIn(1000, Date.now)
const whose = { client_session_id: 'session', owner: 'owner', user_identifier_key: 'key' }

test('while the sealing key is rotated, every function opens what every other one has sealed', async () => {
  const cloud = await startCloud()
  cloud.stacks.set('doors', someOutputs())
  const name = 'the-SealingKeySecret'
  const values = [JSON.stringify({ current: 'o'.repeat(64) })]
  cloud.secrets.set(name, values[0] ?? '')
  const put = cloud.secrets.set.bind(cloud.secrets)
  cloud.secrets.set = (arn, value) => {
    values.push(value)
    return put(arn, value)
  }
  const words = ['setup', '--stack', 'doors', '--rotate-sealing-key']
  const ran = await runHere(
    (streams) => runProgram(words, cloud.environment, streams, { sleep: async () => {} }),
    cloud.environment,
  )
  expect(ran).toMatchObject({ code: 0, err: '' })
  await cloud.close()

  expect(values).toHaveLength(3)
  for (const value of values)
    for (const key of Object.values(JSON.parse(value))) expect(ran.out).not.toContain(key)
  const sealers = await Promise.all(
    values.map(async (value) => {
      const keys = sealingKeysFrom(value)
      return { keys, ...tokenSealer(async () => keys) }
    }),
  )
  // At any moment a function has the value of now or the one before.
  for (const [index, sealer] of sealers.entries())
    for (const other of sealers.slice(Math.max(0, index - 1), index + 2)) {
      const sealed = await sealer.seal('seam_cst_token', whose, deadline)
      expect(await other.open(sealed, whose, deadline)).toBe('seam_cst_token')
    }
  const [old, , last] = sealers
  expect(last?.keys.current.kid).not.toBe(old?.keys.current.kid)
  expect(last?.keys.previous?.kid).toBe(old?.keys.current.kid)
})

test('a secret that is no sealing key is left as it is', async () => {
  const cloud = await startCloud()
  cloud.stacks.set('doors', someOutputs())
  cloud.secrets.set('the-SealingKeySecret', '{"current":"short"}')
  const words = ['setup', '--stack', 'doors', '--rotate-sealing-key']
  const ran = await runHere(
    (streams) => runProgram(words, cloud.environment, streams, { sleep: async () => {} }),
    cloud.environment,
  )
  await cloud.close()
  expect([ran.code, ran.err]).toEqual([4, expect.stringContaining('Nothing was changed')])
  expect(cloud.secrets.get('the-SealingKeySecret')).toBe('{"current":"short"}')
})
