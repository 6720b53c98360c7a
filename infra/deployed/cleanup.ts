import type { CleanupReport } from '../../functions/cleaning/report.ts'
import { functionInvoker } from './functions.ts'
import { type AwsEnvironment, findStack } from './stack.ts'

/** As the cleanup function takes it. */
export interface CleanupOrder {
  dry_run: boolean
  all_users: boolean
  override_fuse: boolean
}

/** Cleans up once in a deployed stack, beside its schedule. @throws Trouble */
export async function cleanUpStack(
  name: string,
  order: CleanupOrder,
  environment: AwsEnvironment,
): Promise<CleanupReport> {
  const { invoke, close } = functionInvoker(await findStack(name, environment), 'CleanupFunction')
  try {
    return JSON.parse(await invoke(JSON.stringify(order)))
  } finally {
    close()
  }
}
