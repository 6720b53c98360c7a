import { Duration } from 'aws-cdk-lib'
import { Metric } from 'aws-cdk-lib/aws-cloudwatch'
import { FilterPattern, type ILogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs'
import type { Construct } from 'constructs'
import type { Entry } from '../../functions/table/keys.ts'

/**
 * The custom metrics, counted by CloudWatch from the audit objects that the functions log anyway (`functions/http/audit.ts`).
 * So a metric costs no byte in a bundle and no byte more in a log. Each series costs by the month in which it counts something.
 */

export interface CountedMetric {
  /** CloudWatch's filter pattern for JSON. */
  readonly pattern: string
  /** The member of the audit object that tells the series apart, and what it can be. */
  readonly by?: { readonly field: string; readonly values: readonly string[] }
  readonly from: readonly LogSource[]
  /** No alarm watches it, so without a dashboard it is not counted. */
  readonly drawn?: true
}

export type LogSource = Entry | 'access'

const either = (field: string, values: readonly string[]) =>
  values.map((value) => `($.${field} = "${value}")`).join(' || ')

export const verdicts = ['reuse', 'extend', 'widen', 'replace', 'create'] as const
const faults = ['record_of_another_issuer', 'unknown_identity', 'stream_stopped']
const dependencies = ['seam', 'dynamodb', 'issuer', 'secrets'] as const

export const countedMetrics = {
  Vends: {
    pattern: `{ ($.what = "vend") && ($.status < 300) && (${either('verdict', verdicts)}) }`,
    by: { field: 'verdict', values: verdicts },
    from: ['vend'],
    drawn: true,
  },
  Outages: {
    pattern: `{ ($.status >= 500) && (${either('dependency', dependencies)}) }`,
    by: { field: 'dependency', values: dependencies },
    from: ['vend', 'connect', 'webhook', 'identity-events'],
  },
  // What no caller and no outage did.
  Faults: {
    pattern: `{ ($.code = "internal") || ${either('reason', faults)} || ($.wrong_answers[0] = *) || ($.verdict_reason = "unreadable_token") }`,
    from: ['vend', 'connect', 'webhook', 'identity-events', 'admin'],
  },
  // Requests for which the AWS SDK had to answer, where no setting says that it always does: each was slow.
  SdkFallbacks: { pattern: `{ ${either('sdk_why', ['no_answer', 'refused'])} }`, from: ['vend'] },
  StaleKeys: { pattern: '{ $.stale_keys IS TRUE }', from: ['vend', 'connect', 'identity-events'] },
  // The stage's throttle never reaches a function. API Gateway writes its numbers as texts.
  Throttles: { pattern: '{ ($.status = 429) || ($.status = "429") }', from: ['access'] },
  RefusedWebhooks: { pattern: '{ $.fault = "signature" }', from: ['webhook'] },
  CleanupAlarms: { pattern: '{ ($.what = "cleanup") && ($.alarms[0] = *) }', from: ['cleanup'] },
} as const satisfies Record<string, CountedMetric>

export const period = Duration.minutes(5)

type LogGroups = Record<LogSource, { logGroup: ILogGroup }>

/** One deployment's metrics in a namespace of their own. */
export class Metrics {
  private readonly namespace: string

  constructor(scope: Construct, deployment: string, from: LogGroups, dashboard: boolean) {
    this.namespace = `SeamTokenVending/${deployment}`
    for (const [metricName, metric] of Object.entries<CountedMetric>(countedMetrics)) {
      if (metric.drawn && !dashboard) continue
      for (const source of metric.from)
        new MetricFilter(scope, `${metricName}-${source}`, {
          logGroup: from[source].logGroup,
          filterPattern: FilterPattern.literal(metric.pattern),
          metricNamespace: this.namespace,
          metricName,
          metricValue: '1',
          ...(metric.by && { dimensions: { [metric.by.field]: `$.${metric.by.field}` } }),
        })
    }
  }

  /** One series; `value` for those that are told apart. */
  of(metricName: keyof typeof countedMetrics, value?: string): Metric {
    const { by }: CountedMetric = countedMetrics[metricName]
    return new Metric({
      namespace: this.namespace,
      metricName,
      statistic: 'Sum',
      period,
      ...(by && value !== undefined && { dimensionsMap: { [by.field]: value }, label: value }),
    })
  }
}
