import { Duration } from 'aws-cdk-lib'
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2'
import { ComparisonOperator, type IMetric, MathExpression } from 'aws-cdk-lib/aws-cloudwatch'
import type { Configuration } from '../../functions/config.ts'
import type { Entry } from '../../functions/table/keys.ts'
import type { Handler } from './handler.ts'
import { type Metrics, period } from './metrics.ts'

/** Where the metrics come from, and what may pass. */
export interface Watched {
  readonly metrics: Metrics
  readonly api: HttpApi
  readonly functions: Readonly<Record<Entry, Handler>>
  readonly configuration: Configuration
  readonly vendConcurrency?: number | undefined
}

export interface Rule {
  readonly metric: (watched: Watched) => IMetric
  /** It rings at this many in a period; by default at one. */
  readonly limit?: (watched: Watched) => number
  /** @default at the limit, or above it */
  readonly operator?: ComparisonOperator
  /** It rings when this many of the last periods are so; by default the last one. */
  readonly periods?: { readonly bad: number; readonly of: number }
  /** For the person who is woken by it; infra/OPERATING.md says more. */
  readonly means: string
  readonly todo: string
}

const outage = (value: string) => ({
  metric: ({ metrics }: Watched) => metrics.of('Outages', value),
  limit: () => 5,
})

/** Each of these is an alarm. Composite ones would cost as much as five of these. */
export const rules = {
  ServerErrors: {
    metric: ({ api }) => api.metricServerError({ period, statistic: 'Sum' }),
    limit: () => 5,
    means: 'Callers got 5 or more 5xx answers within 5 minutes.',
    todo: 'See which Outage rings with it, and follow that; if none, look at Crashes, Faults and Concurrency.',
  },
  'Outage-seam': {
    ...outage('seam'),
    means:
      'Seam is down or slow, or refuses the API key. Live client sessions are handed out as before, new ones are not.',
    todo: 'Look at Seam’s status; `npm run doctor` says whether the key is still accepted. Otherwise wait.',
  },
  'Outage-dynamodb': {
    ...outage('dynamodb'),
    means: 'The table throttles or does not answer: nobody gets a token.',
    todo: 'Look at the table’s throttled requests; if there are any, raise `limits.requestsPerSecond`; else look at the AWS health dashboard.',
  },
  'Outage-issuer': {
    ...outage('issuer'),
    means:
      'The keys of an identity provider are unavailable, and no good ones are cached: its users are refused.',
    todo: 'Look at its status; `npm run doctor` asks each issuer.',
  },
  'Outage-secrets': {
    ...outage('secrets'),
    means: 'Secrets Manager does not answer, or a secret has no value yet.',
    todo: '`npm run setup` fills them in; then look at the AWS health dashboard.',
  },
  Faults: {
    metric: ({ metrics }) => metrics.of('Faults'),
    means:
      'Something that must never happen: an error of our own (`internal`), a caller’s record that another issuer made (`record_of_another_issuer`), a user identity that Seam does not know (`unknown_identity`), an answer of Seam that was not asked for (`wrong_answers`), a sealed token that cannot be opened (`unreadable_token`), or an identity provider that has stopped its events (`stream_stopped`).',
    todo: 'Read the audit line by that word; infra/OPERATING.md says what to do about each.',
  },
  StaleKeys: {
    metric: ({ metrics }) => metrics.of('StaleKeys'),
    means:
      'An issuer’s keys could not be confirmed for 10 minutes or more; the last good ones work for 24 hours.',
    todo: 'Look at the identity provider’s status; `npm run doctor` asks each issuer.',
  },
  SdkFallbacks: {
    metric: ({ metrics, functions }) =>
      math('percent of vends', '100 * fallbacks / requests', {
        fallbacks: metrics.of('SdkFallbacks'),
        requests: functions.vend.lambda.metricInvocations({ period }),
      }),
    operator: ComparisonOperator.GREATER_THAN_THRESHOLD,
    periods: { bad: 2, of: 3 },
    means:
      'More than 1 % of the vends needed the AWS SDK: they were slow. The table or Secrets Manager drops connections or refuses.',
    todo: '`sdk_why` in the audit line says why.',
  },
  Latency: {
    metric: ({ api }) => api.metricLatency({ period, statistic: 'p95' }),
    limit: () => 3000,
    periods: { bad: 3, of: 3 },
    means: 'For 15 minutes one request in twenty took 3 seconds or longer.',
    todo: '`steps` in the audit line says where the time goes: the table, Seam, the issuer’s keys, or waiting for another request.',
  },
  Concurrency: {
    metric: ({ functions }) =>
      functions.vend.lambda.metric('ConcurrentExecutions', { period, statistic: 'Maximum' }),
    // Each of a full second's requests takes a second or longer; 1000 is AWS's usual quota.
    limit: ({ vendConcurrency, configuration: { limits } }) =>
      Math.ceil(0.8 * (vendConcurrency ?? Math.min(1000, 1.25 * limits.requestsPerSecond))),
    periods: { bad: 2, of: 3 },
    means: 'The vend function is close to as many requests at once as it may or should have.',
    todo: 'If Latency rings too, follow that; else raise `limits.requestsPerSecond`, `vendConcurrency` or AWS’s quota.',
  },
  Throttles: {
    metric: ({ metrics }) => metrics.of('Throttles'),
    limit: () => 20,
    means: 'The API answered 429 to 20 or more requests within 5 minutes.',
    todo: 'One address in the access log: a client that loops. Many: raise `limits.requestsPerSecond`.',
  },
  ClientErrors: {
    metric: ({ api }) => api.metricClientError({ period, statistic: 'Sum' }),
    // 2 % of what the stage lets through.
    limit: ({ configuration: { limits } }) => 0.02 * limits.requestsPerSecond * period.toSeconds(),
    means: 'A flood of 4xx answers: somebody is trying tokens, or a page or an issuer was changed.',
    todo: 'See `code` and `reason` in the audit lines, and `source_ip` in the access log; `npm run token-vending -- explain` says what is wrong with a token.',
  },
  RefusedWebhooks: {
    metric: ({ metrics }) => metrics.of('RefusedWebhooks'),
    means:
      'Webhooks came that no known secret has signed: logins and deleted accounts do not reach the records.',
    todo: '`npm run setup` stores the secret of Seam’s webhook, as after one was made anew in its console; Seam sends again for a day.',
  },
  CleanupAlarms: {
    metric: ({ metrics }) => metrics.of('CleanupAlarms'),
    means:
      'Cleanup failed, gave up on a user, cannot delete many client sessions of one user, found another workspace behind the API key, or its fuse has blown.',
    todo: '`alarms` in its report says which; `npm run cleanup` with --dry-run shows what it would do.',
  },
  CleanupSilent: {
    metric: ({ functions, configuration: { cleanup } }) =>
      math(
        'runs',
        'FILL(runs, 0)',
        { runs: functions.cleanup.lambda.metricInvocations() },
        Duration.minutes(Math.max(5, cleanup.everyMinutes)),
      ),
    operator: ComparisonOperator.LESS_THAN_THRESHOLD,
    // The last period may look empty only because its number is late.
    periods: { bad: 3, of: 4 },
    means: 'Cleanup has not run for 15 minutes, or three times its schedule: stale client sessions stay.',
    todo: 'Is the schedule enabled? `npm run cleanup` runs it once.',
  },
  Crashes: {
    metric: ({ functions }) => {
      const errors = Object.entries(functions).map(([name, { lambda }]) => [
        // A `-` would be a minus in the expression.
        name.replace('-', '_'),
        lambda.metricErrors({ period }),
      ])
      const sum = errors.map(([name]) => `FILL(${name}, 0)`).join(' + ')
      return math('crashes', sum, Object.fromEntries(errors))
    },
    periods: { bad: 1, of: 2 },
    means: 'A function crashed or timed out; the next request or cleanup finishes what it did.',
    todo: 'Read its log. Do not raise the timeout: it must end before the lease.',
  },
} satisfies Record<string, Rule>

function math(label: string, expression: string, usingMetrics: Record<string, IMetric>, every = period) {
  return new MathExpression({ label, expression, usingMetrics, period: every })
}
