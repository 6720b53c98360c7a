import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { withoutFiles } from './cloud.ts'

const script = fileURLToPath(new URL('../../../../infra/cli/aws/before-deploy.ts', import.meta.url))

/** Rejects when the script stops the deployment. */
async function said(environment: Record<string, string>): Promise<string> {
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', ...withoutFiles, ...environment }
  return (await promisify(execFile)(process.execPath, [script], { env })).stderr
}

test('who is not signed in is told before the synthesis, and not stopped', async () => {
  expect(await said({})).toMatch(/^There is no AWS region: set AWS_REGION .* --profile NAME\.$/m)
  expect(await said({ AWS_REGION: 'eu-central-1' })).toMatch(/^There are no AWS credentials: sign in/)
})

test('who is signed in is told nothing', async () => {
  const keys = { AWS_ACCESS_KEY_ID: 'AKIAOPERATOR', AWS_SECRET_ACCESS_KEY: 'secret' }
  expect(await said({ AWS_REGION: 'eu-central-1', ...keys })).toBe('')
})
