import { Duration } from 'aws-cdk-lib'
import {
  Alarm,
  AlarmStatusWidget,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  type IMetric,
  LogQueryVisualizationType,
  LogQueryWidget,
  MathExpression,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import { Construct } from 'constructs'
import type { Api } from './api.ts'
import type { Cleaning } from './cleaning.ts'
import type { Handler } from './handler.ts'
import { Metrics } from './metrics.ts'
import type { VendingTable } from './vending-table.ts'

export interface WatchingProps {
  readonly deployment: string
  readonly cleanupEveryMinutes: number
  readonly api: Api
  readonly table: VendingTable
  readonly vend: Handler<'vend'>
  readonly connect: Handler<'connect'>
  readonly webhook: Handler<'webhook'>
  readonly cleaning: Cleaning
  readonly admin: Handler<'admin'>
  /** Who hears of alarms. */
  readonly alarmEmail?: string
}

interface Rule {
  readonly metric: IMetric
  /** What it means and what to do, for whoever is woken by it. */
  readonly says: string
  /** It rings at this many in its period. */
  readonly atLeast?: number
  /** It rings when there is none. */
  readonly atMost?: number
}

/** The alarms, to one topic, and the dashboard that a person on call would want to see. */
export class Watching extends Construct {
  /** Subscribe to this. */
  readonly topic: Topic
  readonly dashboard: Dashboard
  private readonly alarms: Alarm[] = []

  constructor(scope: Construct, id: string, props: WatchingProps) {
    super(scope, id)
    const { api, table, vend, connect, webhook, cleaning, admin } = props
    const metrics = new Metrics(this, props.deployment, {
      vend: vend.logGroup,
      connect: connect.logGroup,
      webhook: webhook.logGroup,
      cleanup: cleaning.handler.logGroup,
      admin: admin.logGroup,
    })

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

    const period = Duration.minutes(5)
    const handlers = { vend, connect, webhook, cleanup: cleaning.handler, admin }
    const crashes = sum(
      'crashes',
      Object.entries(handlers).map(([name, it]) => [name, it.lambda.metricErrors({ period })]),
    )
    const throttles = sum('throttles', [
      ...Object.entries(handlers).map(([name, it]): [string, IMetric] => [
        name,
        it.lambda.metricThrottles({ period }),
      ]),
      ...['GetItem', 'PutItem', 'UpdateItem', 'Query'].map((operation): [string, IMetric] => [
        operation.toLowerCase(),
        table.table.metricThrottledRequestsForOperation(operation, { period }),
      ]),
    ])
    const serverErrors = api.api.metricServerError({ period, statistic: 'Sum' })
    const deadLetters = cleaning.deadLetters.metricApproximateNumberOfMessagesVisible({
      period,
      statistic: 'Maximum',
    })
    const missing = Duration.minutes(Math.max(15, 3 * props.cleanupEveryMinutes))

    this.ring('ServerErrors', {
      metric: serverErrors,
      atLeast: 5,
      says: 'Callers get 5xx. The dashboard says of which dependency.',
    })
    for (const dependency of ['seam', 'dynamodb', 'issuer', 'secrets'])
      this.ring(`Outage-${dependency}`, {
        metric: metrics.of('Outages', dependency),
        atLeast: 5,
        says: `Requests failed because of ${dependency}. Live client sessions are still handed out; new ones are not.`,
      })
    this.ring('Faults', {
      metric: metrics.of('Faults'),
      says: 'An error of our own (`internal`), or a record that belongs to another issuer’s user was asked for (`record_of_another_issuer`). Read the audit line.',
    })
    this.ring('WrongAnswers', {
      metric: metrics.of('WrongAnswers'),
      says: 'Seam answered something that was not asked for; nothing of it was handed out. See `wrong_answers` in the audit line.',
    })
    this.ring('StaleKeys', {
      metric: metrics.of('StaleKeys'),
      says: 'An issuer’s keys could not be confirmed lately; the last good ones serve for 24 hours. Look at the identity provider.',
    })
    this.ring('UnreadableTokens', {
      metric: metrics.of('UnreadableTokens'),
      atLeast: 5,
      says: 'Sealed tokens cannot be opened: was the sealing key changed without keeping the previous one?',
    })
    this.ring('CleanupAlarms', {
      metric: metrics.of('CleanupAlarms'),
      says: 'Cleanup failed, gave up on somebody, found another workspace behind the API key, or its fuse has blown. `alarms` in its report says which.',
    })
    this.ring('CleanupSilent', {
      metric: cleaning.handler.lambda.metricInvocations({ period: missing }),
      atMost: 0,
      says: 'Cleanup has not run lately. Is the schedule enabled?',
    })
    this.ring('DeadLetters', {
      metric: deadLetters,
      says: 'A run of cleanup crashed, timed out or could not be started. The queue keeps what was sent.',
    })
    this.ring('Crashes', {
      metric: crashes,
      says: 'A function ended by itself or at its timeout. Read its log.',
    })
    this.ring('Throttles', {
      metric: throttles,
      says: 'Lambda or DynamoDB turned requests away: raise the concurrency quota, or `limits.requestsPerSecond`.',
    })

    this.dashboard = new Dashboard(this, 'Dashboard', { defaultInterval: Duration.hours(12) })
    this.dashboard.addWidgets(
      new AlarmStatusWidget({ title: 'Alarms', width: 24, height: 3, alarms: this.alarms }),
    )
    this.dashboard.addWidgets(
      graph('Vends by verdict', metrics.all('Vends'), true),
      graph(
        'Latency of the API, ms',
        ['p50', 'p90', 'p99'].map((statistic) =>
          api.api.metricLatency({ period, statistic, label: statistic }),
        ),
      ),
      graph('Denials by code', metrics.all('Denials'), true),
    )
    this.dashboard.addWidgets(
      graph('Outages by dependency', metrics.all('Outages'), true),
      graph('Errors', [serverErrors, crashes, throttles, metrics.of('Faults'), metrics.of('WrongAnswers')]),
      graph('Cleanup: oldest backlog, ms, and alarms', [
        metrics.of('CleanupBacklog', undefined, { statistic: 'Maximum' }),
        metrics.of('CleanupAlarms'),
        deadLetters,
      ]),
    )
    this.dashboard.addWidgets(
      new LogQueryWidget({
        title: 'Seam calls and waits of the last requests that were not simply reuse',
        width: 24,
        height: 8,
        view: LogQueryVisualizationType.TABLE,
        logGroupNames: [vend.logGroup.logGroupName],
        queryLines: [
          'fields @timestamp, status, code, reason, dependency, verdict, verdict_reason, took, waits, request_id',
          'filter what = "vend" and verdict != "reuse"',
          'sort @timestamp desc',
          'limit 50',
        ],
      }),
    )
  }

  private ring(id: string, { metric, says, atLeast = 1, atMost }: Rule): void {
    const alarm = new Alarm(this, id, {
      metric,
      alarmDescription: says,
      evaluationPeriods: 1,
      threshold: atMost ?? atLeast,
      comparisonOperator:
        atMost === undefined
          ? ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
          : ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: atMost === undefined ? TreatMissingData.NOT_BREACHING : TreatMissingData.BREACHING,
    })
    alarm.addAlarmAction(new SnsAction(this.topic))
    this.alarms.push(alarm)
  }
}

/** One series out of several, so that they make one alarm. */
function sum(label: string, metrics: [string, IMetric][]): MathExpression {
  const usingMetrics = Object.fromEntries(metrics.map(([name, metric]) => [`${label}_${name}`, metric]))
  const expression = Object.keys(usingMetrics)
    .map((name) => `FILL(${name}, 0)`)
    .join(' + ')
  return new MathExpression({ label, expression, usingMetrics, period: Duration.minutes(5) })
}

function graph(title: string, left: IMetric[], stacked = false): GraphWidget {
  return new GraphWidget({ title, left, stacked, width: 8, height: 6 })
}
