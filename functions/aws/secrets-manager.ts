import { type AwsDeps, call, serviceCaller } from './caller.ts'
import type { SecretValue, sdkSecretsManager } from './secrets-manager-sdk.ts'

/** Within `ms` in all. */
export type GetSecretValue = (arn: string, ms: number) => Promise<SecretValue>

const service = {
  name: 'secretsmanager',
  target: 'secretsmanager',
  contentType: 'application/x-amz-json-1.1',
  endpointVariable: 'AWS_ENDPOINT_URL_SECRETS_MANAGER',
} as const

/** Half of the time is for the attempt without the SDK. */
export function secretsManager(deps: AwsDeps): GetSecretValue {
  const caller = serviceCaller(deps, service)
  let loaded: Promise<ReturnType<typeof sdkSecretsManager>> | undefined
  return (arn, ms) => {
    const input = { SecretId: arn }
    const signal = AbortSignal.timeout(ms)
    return call(caller, { operation: 'GetSecretValue', input, ms: ms / 2 }, async () => {
      loaded ??= import('./secrets-manager-sdk.ts').then((sdk) => sdk.sdkSecretsManager())
      return (await loaded)(input, signal)
    })
  }
}
