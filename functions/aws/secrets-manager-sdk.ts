import { type GetSecretValueCommandOutput, SecretsManager } from '@aws-sdk/client-secrets-manager'

export type SecretValue = Pick<GetSecretValueCommandOutput, 'SecretString'>

/** Secrets Manager through the SDK. It is asked once in five minutes: a connection is not worth keeping. */
export function sdkSecretsManager() {
  const agent = { keepAlive: false }
  return new SecretsManager({ maxAttempts: 2, requestHandler: { httpsAgent: agent, httpAgent: agent } })
}
