import { expect, test } from 'vitest'
import { newReport } from '../../../../functions/cleanup/report.ts'
import { bad, findingLine, good, look, summary, unknown } from '../../../../infra/cli/doctor/finding.ts'
import { keyFinding, publishableFinding } from '../../../../infra/cli/doctor/seam.ts'
import { cleanupFinding } from '../../../../infra/cli/doctor/world.ts'

const now = Date.UTC(2031, 0, 1)

test('is one line, with what to do at its end', () => {
  expect(findingLine(good('Node', '24.21.0'))).toBe('ok    Node                       24.21.0')
  expect(findingLine(bad('npm', 'is old', 'get a new one'))).toMatch(/^RED {3}npm +is old → get a new one$/)
  const all = [good('a', ''), good('b', ''), look('c', '', 'd'), unknown('e', ''), bad('f', '', 'g')]
  expect(summary(all)).toBe('2 good, 1 to look at, 1 not checked, 1 red.')
})

test.each([
  ['lately', 4, [], 'good'],
  ['long ago', 16, [], 'bad'],
  ['with an alarm', 1, ['given_up'], 'bad'],
] as const)('cleaning up %s', (_, minutes, alarms, state) => {
  const run = { started_at: now - minutes * 60_000, dry_run: false, all_users: false }
  const report = { ...newReport(run), alarms: [...alarms] }
  expect(cleanupFinding(JSON.stringify(report), 5, now).state).toBe(state)
  expect(cleanupFinding(undefined, 5, now).state).toBe('look')
})

const workspace = { workspace_id: 'w', name: 'Own', is_sandbox: true, is_publishable_key_auth_enabled: false }

test('the key of another workspace than the records’ is red', () => {
  expect(keyFinding(workspace, 'w')).toMatchObject({ state: 'good', said: 'opens Own (sandbox)' })
  expect(keyFinding(workspace, undefined).state).toBe('good')
  expect(keyFinding(workspace, 'another').state).toBe('bad')
})

test.each([
  [false, 'good'],
  [true, 'bad'],
  // Seam does not say.
  [undefined, 'look'],
])('publishable-key access: %s', (is_publishable_key_auth_enabled, state) => {
  expect(publishableFinding({ ...workspace, is_publishable_key_auth_enabled }).state).toBe(state)
})
