/**
 * Takes the place of parts of the AWS SDK that a bundle is better without: the client's own logging, the endpoint
 * discovery that DynamoDB does not need, the trace header against loops of functions, and the user agent.
 */
const nothing = { applyToStack() {} }
const asItIs = <Config>(config: Config) => config

export const getLoggerPlugin = () => nothing
export const getRecursionDetectionPlugin = () => nothing
export const getUserAgentPlugin = () => nothing
export const resolveUserAgentConfig = asItIs
export const resolveEndpointDiscoveryConfig = asItIs

/** Where requests go stands in our runtime configuration. This step does nothing; others are put before it by its name. */
export const getEndpointPlugin = () => ({
  applyToStack(stack: Stack) {
    stack.addRelativeTo((next) => next, {
      name: 'endpointV2Middleware',
      relation: 'before',
      toMiddleware: 'serializerMiddleware',
      override: true,
    })
  },
})
export const resolveEndpointConfig = asItIs

/** Never reached: our runtime configuration (beside this file) asks for standard retries. */
export const AdaptiveRetryStrategy = undefined
/** Loaded by operations with event streams, of which we call none. */
export const EventStreamSerde = undefined
export const eventStreamSerdeProvider = undefined
/** Signs the messages of event streams. */
export class HeaderFormatter {}

interface Stack {
  addRelativeTo(middleware: <Next>(next: Next) => Next, options: Record<string, unknown>): void
}
