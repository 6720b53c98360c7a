import {
  GetSecretValueCommand,
  type GetSecretValueCommandInput,
  type GetSecretValueCommandOutput,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'

export type SecretValue = Pick<GetSecretValueCommandOutput, 'SecretString'>

/** Secrets Manager through the SDK. It is asked once in five minutes: a connection is not worth keeping. */
export function sdkSecretsManager() {
  const agent = { keepAlive: false }
  const client = new SecretsManagerClient({
    maxAttempts: 2,
    requestHandler: { httpsAgent: agent, httpAgent: agent },
  })
  return (input: GetSecretValueCommandInput, abortSignal: AbortSignal): Promise<SecretValue> =>
    client.send(new GetSecretValueCommand(input), { abortSignal })
}
