import { Duration } from 'aws-cdk-lib'
import {
  Alarm,
  ComparisonOperator,
  type Dashboard,
  type IMetric,
  MathExpression,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import { Construct } from 'constructs'
import { type Rule, rules, type Watched } from './alarms.ts'
import type { Api } from './api.ts'
import type { Entry } from './bundle.ts'
import { drawDashboard } from './dashboard.ts'
import type { Handler } from './handler.ts'
import { Metrics } from './metrics.ts'

export interface WatchingProps {
  readonly deployment: string
  readonly cleanupEveryMinutes: number
  readonly api: Api
  readonly functions: { readonly [E in Entry]: Handler<E> }
  readonly requestsPerSecond: number
  readonly vendConcurrency: number | undefined
  /** Gets an e-mail for each alarm. */
  readonly alarmEmail?: string | undefined
  readonly dashboard: boolean
}

const period = Duration.minutes(5)

/** The alarms, to one topic, and the dashboard for the person on call. */
export class Watching extends Construct {
  /** Subscribe to this. */
  readonly topic: Topic
  readonly dashboard: Dashboard | undefined

  constructor(scope: Construct, id: string, props: WatchingProps) {
    super(scope, id)
    const { api, functions } = props
    this.topic = new Topic(this, 'Alarms', { enforceSSL: true })
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': this.topic.env.account } },
      }),
    )
    if (props.alarmEmail !== undefined) this.topic.addSubscription(new EmailSubscription(props.alarmEmail))

    const logs = { ...functions, access: { logGroup: api.accessLog } }
    const metrics = new Metrics(this, props.deployment, logs, props.dashboard)
    const watched = watchedMetrics(props, metrics)
    const limits = limitsOf(props)
    const alarms = Object.entries<Rule>(rules).map(([id, rule]) => {
      const name = id as keyof Watched
      return this.ring(id, watched[name], { ...rule, ...limits[name] })
    })
    if (props.dashboard) this.dashboard = drawDashboard(this, { alarms, metrics, watched, api })
  }

  private ring(id: string, metric: IMetric, rule: Rule & Limit): Alarm {
    const { means, todo, atLeast = 1, fewerThan, moreThan, periods = { bad: 1, of: 1 } } = rule
    const alarm = new Alarm(this, id, {
      metric,
      alarmDescription: `${means} ${todo}`,
      evaluationPeriods: periods.of,
      datapointsToAlarm: periods.bad,
      threshold: fewerThan ?? moreThan ?? atLeast,
      comparisonOperator:
        fewerThan !== undefined
          ? ComparisonOperator.LESS_THAN_THRESHOLD
          : moreThan !== undefined
            ? ComparisonOperator.GREATER_THAN_THRESHOLD
            : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    })
    const action = new SnsAction(this.topic)
    alarm.addAlarmAction(action)
    alarm.addOkAction(action)
    return alarm
  }
}

type Limit = Pick<Rule, 'atLeast'>

/** Limits that follow from how much may pass. */
function limitsOf({
  requestsPerSecond,
  vendConcurrency,
}: WatchingProps): Partial<Record<keyof Watched, Limit>> {
  return {
    // 2 % of what the stage lets through.
    ClientErrors: { atLeast: 0.02 * requestsPerSecond * period.toSeconds() },
    // Each of a full second's requests takes a second or longer; 1000 is AWS's usual quota.
    Concurrency: { atLeast: Math.ceil(0.8 * (vendConcurrency ?? Math.min(1000, 1.25 * requestsPerSecond))) },
  }
}

function watchedMetrics({ cleanupEveryMinutes, ...props }: WatchingProps, metrics: Metrics): Watched {
  const { functions } = props
  const { vend, cleanup } = functions
  const { api } = props.api
  const outage = (value: string) => metrics.of('Outages', { value })
  const errors = Object.fromEntries(
    // A `-` would be a minus in the expression.
    Object.entries(functions).map(([name, { lambda }]) => [
      name.replace('-', '_'),
      lambda.metricErrors({ period }),
    ]),
  )
  return {
    ServerErrors: api.metricServerError({ period, statistic: 'Sum' }),
    'Outage-seam': outage('seam'),
    'Outage-dynamodb': outage('dynamodb'),
    'Outage-issuer': outage('issuer'),
    'Outage-secrets': outage('secrets'),
    Faults: metrics.of('Faults'),
    StaleKeys: metrics.of('StaleKeys'),
    SdkFallbacks: math('percent of vends', '100 * fallbacks / requests', {
      fallbacks: metrics.of('SdkFallbacks'),
      requests: vend.lambda.metricInvocations({ period }),
    }),
    Latency: api.metricLatency({ period, statistic: 'p95' }),
    Concurrency: vend.lambda.metric('ConcurrentExecutions', { period, statistic: 'Maximum' }),
    Throttles: metrics.of('Throttles'),
    ClientErrors: api.metricClientError({ period, statistic: 'Sum' }),
    RefusedWebhooks: metrics.of('RefusedWebhooks'),
    CleanupAlarms: metrics.of('CleanupAlarms'),
    CleanupSilent: math(
      'runs',
      'FILL(runs, 0)',
      { runs: cleanup.lambda.metricInvocations() },
      Duration.minutes(Math.max(5, cleanupEveryMinutes)),
    ),
    Crashes: math(
      'crashes',
      Object.keys(errors)
        .map((name) => `FILL(${name}, 0)`)
        .join(' + '),
      errors,
    ),
  }
}

const math = (label: string, expression: string, usingMetrics: Record<string, IMetric>, every = period) =>
  new MathExpression({ label, expression, usingMetrics, period: every })
