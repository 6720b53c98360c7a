import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { AdminRefusal, adminCaller } from '../../../functions/operator/client.ts'
import { commands } from '../../../functions/operator/commands.ts'

const source = () => readFile('functions/operator/client.ts', 'utf8')

test('imports nothing, so that a backend may take the file along', async () => {
  expect(await source()).not.toMatch(/^import |\bimport\(|^export .* from /m)
})

test('sends the request of the contract, and brings the result back', async () => {
  const sent: unknown[] = []
  const callAdmin = adminCaller({
    by: 'bookings',
    async send(payload) {
      sent.push(JSON.parse(payload))
      return JSON.stringify({ version: 1, request_id: 'r', result: { users: [] } })
    },
  })
  expect(await callAdmin('list', { status: 'disabled' })).toEqual({ users: [] })
  expect(sent).toEqual([{ version: 1, command: 'list', params: { status: 'disabled' }, by: 'bookings' }])
})

test('throws what the function refused, with its code, and passes on what sending threw', async () => {
  const problem = {
    code: 'not_found',
    title: 'There is nothing.',
    detail: 'No record.',
    action: 'fix_request',
  }
  const refused = adminCaller({
    by: 'bookings',
    send: async () => JSON.stringify({ version: 1, request_id: 'r', problem }),
  })
  const error = await refused('show', { subject: 'main|ada' }).catch((reason) => reason)
  expect(error).toBeInstanceOf(AdminRefusal)
  expect([error.message, error.problem, error.requestId]).toEqual(['No record.', problem, 'r'])
  const broken = adminCaller({ by: 'bookings', send: () => Promise.reject(new Error('no network')) })
  await expect(broken('show', { subject: 'main|ada' })).rejects.toThrow('no network')
})

test('each command of the contract is in the table of the function, and says what it does', async () => {
  const contract = /export interface AdminContract \{([\s\S]*?)\n\}/.exec(await source())?.[1] ?? ''
  const members = [...contract.matchAll(/\*\/\n {2}(\w+): \{/g)].map(([, name]) => name)
  expect(members.sort()).toEqual(Object.keys(commands).sort())
})
