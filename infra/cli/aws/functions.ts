import type { Lambda } from '@aws-sdk/client-lambda'
import { CliError } from '../../local/cli-error.ts'
import { awsError } from '../errors.ts'

/** Carries JSON to a function and brings its answer's JSON back. @throws CliError, also when it ended without an answer */
export async function invokeFunction(client: Lambda, FunctionName: string, payload: string): Promise<string> {
  const { Payload, FunctionError } = await client
    .invoke({ FunctionName, Payload: payload })
    .catch((error: unknown) => {
      throw awsError(error, `invoke ${FunctionName}`, 'lambda:InvokeFunction')
    })
  const answer = new TextDecoder().decode(Payload)
  if (FunctionError === undefined) return answer
  const { errorType = FunctionError } = JSON.parse(answer) as { errorType?: string }
  throw new CliError(
    `${FunctionName} ended without an answer (${errorType}), so what it did is not known. Its log says more; run the command again to finish it.`,
  )
}
