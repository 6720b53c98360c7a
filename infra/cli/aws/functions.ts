import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { Trouble } from '../../local/trouble.ts'
import { awsError } from '../errors.ts'
import type { DeployedStack } from './stack.ts'

/** Carries JSON to one function of a stack and brings its answer's JSON back. */
export interface FunctionInvoker {
  /** @throws Trouble, also when the function ended without an answer. */
  invoke(payload: string): Promise<string>
  close(): void
}

export function functionInvoker(
  { outputs, aws }: DeployedStack,
  output: 'AdminFunction' | 'CleanupFunction',
): FunctionInvoker {
  const client = new LambdaClient(aws)
  const FunctionName = outputs[output]
  return {
    async invoke(payload) {
      const { Payload, FunctionError } = await client
        .send(new InvokeCommand({ FunctionName, Payload: payload }))
        .catch((error: unknown) => {
          throw awsError(error, `invoke ${FunctionName}`, 'lambda:InvokeFunction')
        })
      const answer = new TextDecoder().decode(Payload)
      if (FunctionError === undefined) return answer
      const { errorType = FunctionError } = JSON.parse(answer) as { errorType?: string }
      throw new Trouble(
        `${FunctionName} ended without an answer (${errorType}), so what it did is not known. Its log says more; run the command again to finish it.`,
      )
    },
    close: () => client.destroy(),
  }
}
