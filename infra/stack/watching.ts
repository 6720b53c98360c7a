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
import type { Cleaning } from './cleaning.ts'
import { drawDashboard } from './dashboard.ts'
import type { Handler } from './handler.ts'
import { Metrics } from './metrics.ts'
import type { VendingTable } from './vending-table.ts'

export interface WatchingProps {
  readonly deployment: string
  readonly cleanupEveryMinutes: number
  readonly api: Api
  readonly table: VendingTable
  readonly functions: { readonly [E in Entry]: Handler<E> }
  readonly cleaning: Cleaning
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

    const metrics = new Metrics(this, props.deployment, functions)
    const watched = watchedMetrics(props, metrics)
    const alarms = Object.entries<Rule>(rules).map(([name, rule]) =>
      this.ring(name, watched[name as keyof Watched], rule),
    )
    if (props.dashboard) this.dashboard = drawDashboard(this, { alarms, metrics, watched, api, ...functions })
  }

  private ring(id: string, metric: IMetric, { means, todo, atLeast = 1, atMost, moreThan }: Rule): Alarm {
    const alarm = new Alarm(this, id, {
      metric,
      alarmDescription: `${means} ${todo}`,
      evaluationPeriods: 1,
      threshold: atMost ?? moreThan ?? atLeast,
      comparisonOperator:
        atMost !== undefined
          ? ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD
          : moreThan !== undefined
            ? ComparisonOperator.GREATER_THAN_THRESHOLD
            : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: atMost === undefined ? TreatMissingData.NOT_BREACHING : TreatMissingData.BREACHING,
    })
    alarm.addAlarmAction(new SnsAction(this.topic))
    return alarm
  }
}

function watchedMetrics(props: WatchingProps, metrics: Metrics): Watched {
  const { api, table, functions, cleaning } = props
  const lambdas = Object.entries(functions).map(([name, { lambda }]) => [name, lambda] as const)
  const operations = ['GetItem', 'PutItem', 'UpdateItem', 'Query']
  const outage = (value: string) => metrics.of('Outages', { value })
  return {
    ServerErrors: api.api.metricServerError({ period, statistic: 'Sum' }),
    'Outage-seam': outage('seam'),
    'Outage-dynamodb': outage('dynamodb'),
    'Outage-issuer': outage('issuer'),
    'Outage-secrets': outage('secrets'),
    Faults: metrics.of('Faults'),
    WrongAnswers: metrics.of('WrongAnswers'),
    StaleKeys: metrics.of('StaleKeys'),
    SdkFallbacks: new MathExpression({
      label: 'percent of requests',
      expression: '100 * fallbacks / requests',
      usingMetrics: {
        fallbacks: metrics.of('SdkFallbacks'),
        // Every vend reads the table, so there is a sample of each.
        requests: metrics.of('TableTime', { statistic: 'SampleCount' }),
      },
      period: Duration.minutes(15),
    }),
    UnreadableTokens: metrics.of('UnreadableTokens'),
    CleanupAlarms: metrics.of('CleanupAlarms'),
    CleanupSilent: cleaning.handler.lambda.metricInvocations({
      period: Duration.minutes(Math.max(15, 3 * props.cleanupEveryMinutes)),
    }),
    DeadLetters: cleaning.deadLetters.metricApproximateNumberOfMessagesVisible({
      period,
      statistic: 'Maximum',
      label: 'dead letters',
    }),
    Crashes: sum(
      'crashes',
      lambdas.map(([name, lambda]) => [name, lambda.metricErrors({ period })]),
    ),
    Throttles: sum('throttles', [
      ...lambdas.map(([name, lambda]): [string, IMetric] => [name, lambda.metricThrottles({ period })]),
      ...operations.map((operation): [string, IMetric] => [
        operation.toLowerCase(),
        table.table.metricThrottledRequestsForOperation(operation, { period }),
      ]),
    ]),
  }
}

/** One series out of several, so that they make one alarm. */
function sum(label: string, metrics: [string, IMetric][]): MathExpression {
  const usingMetrics = Object.fromEntries(metrics.map(([name, metric]) => [`${label}_${name}`, metric]))
  const expression = Object.keys(usingMetrics)
    .map((name) => `FILL(${name}, 0)`)
    .join(' + ')
  return new MathExpression({ label, expression, usingMetrics, period })
}
