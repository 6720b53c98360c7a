import {
  type ExecutionEnvironment,
  executionEnvironment,
  type FunctionSettings,
  type Outcome,
} from './execution-environment.ts'

export interface LambdaFunction {
  settings: FunctionSettings
  /** Takes an idle environment, or starts one. */
  invoke(event: unknown): Promise<Outcome>
  environments: ExecutionEnvironment[]
  coldStarts: number
  /** What it wrote, line by line. */
  log: string[]
  close(): Promise<void>
}

/** A function as Lambda runs it: one invocation at a time in each environment, as many environments as are needed. */
export function lambdaFunction(settings: FunctionSettings): LambdaFunction {
  const it: LambdaFunction = {
    settings,
    environments: [],
    coldStarts: 0,
    log: [],
    async invoke(event) {
      const idle = it.environments.find((environment) => environment.idle)
      if (idle !== undefined) return idle.invoke(event)
      it.coldStarts++
      try {
        const fresh = await executionEnvironment(settings, (line) => it.log.push(line))
        it.environments.push(fresh)
        return fresh.invoke(event)
      } catch (error) {
        return { errorType: 'Runtime.InitError', errorMessage: String(error) }
      }
    },
    async close() {
      await Promise.all(it.environments.map((environment) => environment.kill()))
    },
  }
  return it
}
