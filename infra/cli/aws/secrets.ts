import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { awsError } from '../errors.ts'
import type { DeployedStack } from './stack.ts'

type SecretName = 'SeamApiKeySecret' | 'WebhookSecretsSecret' | 'SealingKeySecret'

/** The secrets of a stack, by the names of its outputs. */
export interface SecretStore {
  /** Undefined: it has no value yet. @throws Trouble */
  read(name: SecretName): Promise<string | undefined>
  /** @throws Trouble */
  write(name: SecretName, value: string): Promise<void>
  close(): void
}

export function secretStore({ outputs, aws }: DeployedStack): SecretStore {
  const client = new SecretsManagerClient(aws)
  return {
    async read(name) {
      try {
        const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: outputs[name] }))
        return SecretString || undefined
      } catch (error) {
        // Of a secret that is there: no value has been put into it.
        if (error instanceof Error && error.name === 'ResourceNotFoundException') return undefined
        throw awsError(error, `read ${outputs[name]}`, 'secretsmanager:GetSecretValue')
      }
    },
    async write(name, value) {
      await client
        .send(new PutSecretValueCommand({ SecretId: outputs[name], SecretString: value }))
        .catch((error: unknown) => {
          throw awsError(error, `write ${outputs[name]}`, 'secretsmanager:PutSecretValue')
        })
    },
    close: () => client.destroy(),
  }
}
