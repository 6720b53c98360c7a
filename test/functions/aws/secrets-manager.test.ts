import { expect, it } from 'vitest'
import { secretsManager } from '../../../functions/aws/secrets-manager.ts'
import { cutOff, inLambda, json, refusal, silence, startScripted } from './scripted.ts'

const arn = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:key-AbCdEf'
const value = json(200, { ARN: arn, SecretString: 'value' })

async function startSecrets(environment = {}) {
  const secrets = await startScripted(value)
  const lambda = inLambda({ AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url, ...environment })
  return { secrets, getSecretValue: secretsManager(lambda.deps), ...lambda }
}

it('reads a secret without the SDK', async () => {
  const { secrets, getSecretValue, toSdk } = await startSecrets()
  expect(await getSecretValue(arn, 5000)).toMatchObject({ SecretString: 'value' })
  expect(secrets.asked).toMatchObject([{ operation: 'GetSecretValue', viaSdk: false }])
  expect(JSON.parse(secrets.asked[0]?.body ?? '')).toEqual({ SecretId: arn })
  expect(secrets.asked[0]?.authorization).toContain('/eu-central-1/secretsmanager/aws4_request')
  expect(toSdk).toEqual([])
})

it('reads it with the SDK when there is no plain answer', async () => {
  for (const answer of [json(500, '{}'), cutOff, refusal('ThrottlingException')]) {
    const { secrets, getSecretValue, toSdk } = await startSecrets()
    secrets.next = [answer]
    expect(await getSecretValue(arn, 5000)).toMatchObject({ SecretString: 'value' })
    expect(secrets.asked.map(({ viaSdk }) => viaSdk)).toEqual([false, true])
    expect(toSdk).toHaveLength(1)
  }
})

it('gives the SDK half of the time', async () => {
  const { secrets, getSecretValue, toSdk } = await startSecrets()
  secrets.next = [silence]
  expect(await getSecretValue(arn, 2000)).toMatchObject({ SecretString: 'value' })
  expect(toSdk).toEqual(['no_answer'])
})

it('ends in time when nobody answers', async () => {
  const { secrets, getSecretValue } = await startSecrets()
  secrets.answer = silence
  await expect(getSecretValue(arn, 200)).rejects.toMatchObject({ name: 'AbortError' })
})

it('throws what the SDK throws', async () => {
  const { secrets, getSecretValue } = await startSecrets()
  secrets.answer = refusal('ResourceNotFoundException')
  await expect(getSecretValue(arn, 5000)).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
})

it('is left to the SDK when something unusual is set', async () => {
  const { secrets, getSecretValue, toSdk } = await startSecrets({ AWS_USE_DUALSTACK_ENDPOINT: 'false' })
  expect(await getSecretValue(arn, 5000)).toMatchObject({ SecretString: 'value' })
  expect(secrets.asked).toMatchObject([{ viaSdk: true }])
  expect(toSdk).toEqual(['setting'])
})
