import { awsError } from '../errors.ts'
import type { DeployedStack } from './stack.ts'

export type SecretName = 'SeamApiKeySecret' | 'WebhookSecretsSecret' | 'SealingKeySecret'

/** The secrets of a stack, by the names of its outputs. Its functions throw `CliError`. */
export const secretsOf = ({ outputs, aws }: DeployedStack) => ({
  /** Undefined: it has no value yet. */
  async read(name: SecretName): Promise<string | undefined> {
    const { SecretsManager } = await import('@aws-sdk/client-secrets-manager')
    try {
      const { SecretString } = await new SecretsManager(aws).getSecretValue({ SecretId: outputs[name] })
      return SecretString || undefined
    } catch (error) {
      // Of a secret that is there: no value has been put into it.
      if (error instanceof Error && error.name === 'ResourceNotFoundException') return undefined
      throw awsError(error, `read ${outputs[name]}`, 'secretsmanager:GetSecretValue')
    }
  },
  async write(name: SecretName, SecretString: string): Promise<void> {
    const { SecretsManager } = await import('@aws-sdk/client-secrets-manager')
    try {
      await new SecretsManager(aws).putSecretValue({ SecretId: outputs[name], SecretString })
    } catch (error) {
      throw awsError(error, `write ${outputs[name]}`, 'secretsmanager:PutSecretValue')
    }
  },
})

export type Secrets = ReturnType<typeof secretsOf>
