import { awsError } from '../errors.ts'
import type { DeployedStack } from './stack.ts'

export type SecretName = 'SeamApiKeySecret' | 'WebhookSecretsSecret' | 'SealingKeySecret'

/** The secrets of a stack, by the names of its outputs. */
export interface Secrets {
  /** Undefined: it has no value yet. @throws CliError */
  read(name: SecretName): Promise<string | undefined>
  /** @throws CliError */
  write(name: SecretName, value: string): Promise<void>
}

export const secretsOf = (stack: DeployedStack): Secrets => ({
  read: (name) => readSecret(stack, name),
  write: (name, value) => writeSecret(stack, name, value),
})

async function readSecret({ outputs, aws }: DeployedStack, name: SecretName): Promise<string | undefined> {
  const { SecretsManager } = await import('@aws-sdk/client-secrets-manager')
  try {
    const { SecretString } = await new SecretsManager(aws).getSecretValue({ SecretId: outputs[name] })
    return SecretString || undefined
  } catch (error) {
    // Of a secret that is there: no value has been put into it.
    if (error instanceof Error && error.name === 'ResourceNotFoundException') return undefined
    throw awsError(error, `read ${outputs[name]}`, 'secretsmanager:GetSecretValue')
  }
}

async function writeSecret({ outputs, aws }: DeployedStack, name: SecretName, value: string): Promise<void> {
  const { SecretsManager } = await import('@aws-sdk/client-secrets-manager')
  await new SecretsManager(aws)
    .putSecretValue({ SecretId: outputs[name], SecretString: value })
    .catch((error: unknown) => {
      throw awsError(error, `write ${outputs[name]}`, 'secretsmanager:PutSecretValue')
    })
}
