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
import type { Api } from './api.ts'
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
  /** For whoever is woken by it; infra/OPERATING.md says more. */
  readonly means: string
  readonly todo: string
  /** It rings at this many in its period. */
  readonly atLeast?: number
  /** It rings when there are more. */
  readonly moreThan?: number
  /** It rings when there is none. */
  readonly atMost?: number
}

const outages = {
  seam: {
    means:
      'Seam is down or slow, or refuses the API key. Live client sessions are handed out as before, new ones are not.',
    todo: 'Look at Seam’s status; `npm run doctor` says whether the key is still accepted. Else wait.',
  },
  dynamodb: {
    means: 'The table throttles or does not answer: nobody gets a token.',
    todo: 'If Throttles rings too, raise `limits.requestsPerSecond`; else look at the AWS health dashboard.',
  },
  issuer: {
    means:
      'The keys of an identity provider cannot be had, and no good ones are kept: its users are not let in.',
    todo: 'Look at its status; `npm run doctor` asks each issuer.',
  },
  secrets: {
    means: 'Secrets Manager does not answer, or a secret has no value yet.',
    todo: '`npm run setup` fills them in; then look at the AWS health dashboard.',
  },
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
      label: 'dead letters',
    })
    const missing = Duration.minutes(Math.max(15, 3 * props.cleanupEveryMinutes))

    this.ring('ServerErrors', {
      metric: serverErrors,
      atLeast: 5,
      means: 'Callers got 5 or more answers of 5xx within 5 minutes.',
      todo: 'See which Outage rings with it, and follow that; if none, look at Crashes and Faults.',
    })
    for (const [dependency, { means, todo }] of Object.entries(outages))
      this.ring(`Outage-${dependency}`, {
        metric: metrics.of('Outages', { value: dependency }),
        atLeast: 5,
        means,
        todo,
      })
    this.ring('Faults', {
      metric: metrics.of('Faults'),
      means:
        'An error of our own (`internal`), somebody asked whose record another issuer made (`record_of_another_issuer`), or Seam does not know a user’s identity (`unknown_identity`).',
      todo: 'Read the audit line; after a change of issuers, give the new one the old `subjectNamespace`; correct an identity with `set-identity`.',
    })
    this.ring('WrongAnswers', {
      metric: metrics.of('WrongAnswers'),
      means: 'Seam answered something that was not asked for; nothing of it was handed out.',
      todo: '`wrong_answers` in the audit line says what differed: write to Seam with the time.',
    })
    this.ring('StaleKeys', {
      metric: metrics.of('StaleKeys'),
      means:
        'An issuer’s keys could not be confirmed for 10 minutes or more; the last good ones serve for 24 hours.',
      todo: 'Look at the identity provider’s status; `npm run doctor` asks each issuer.',
    })
    this.ring('SdkFallbacks', {
      metric: new MathExpression({
        label: 'percent of requests',
        expression: '100 * fallbacks / requests',
        usingMetrics: {
          fallbacks: metrics.of('SdkFallbacks'),
          // Every vend reads the table, so there is a sample of each.
          requests: metrics.of('TableTime', { statistic: 'SampleCount' }),
        },
        period: Duration.minutes(15),
      }),
      moreThan: 1,
      means:
        'More than 1 % of the requests needed the AWS SDK: they were slow. The table or Secrets Manager drops connections or refuses.',
      todo: '`sdk_why` in the audit line says why; `setting` is an environment variable of the function.',
    })
    this.ring('UnreadableTokens', {
      metric: metrics.of('UnreadableTokens'),
      atLeast: 5,
      means: '5 or more sealed tokens could not be opened; their client sessions were replaced.',
      todo: 'Was the sealing key changed by hand? Put the one before into `previous` of its secret.',
    })
    this.ring('CleanupAlarms', {
      metric: metrics.of('CleanupAlarms'),
      means:
        'Cleanup failed, gave up on somebody, cannot delete many client sessions of one user, found another workspace behind the API key, or its fuse has blown.',
      todo: '`alarms` in its report says which; `npm run cleanup` with --dry-run shows what it would do.',
    })
    this.ring('CleanupSilent', {
      metric: cleaning.handler.lambda.metricInvocations({ period: missing }),
      atMost: 0,
      means: `Cleanup has not run for ${missing.toMinutes()} minutes, so stale client sessions stay.`,
      todo: 'Is the schedule enabled? `npm run cleanup` runs it once.',
    })
    this.ring('DeadLetters', {
      metric: deadLetters,
      means: 'A run of cleanup crashed, timed out or could not be started; the next run does its work.',
      todo: 'Read the cleanup function’s log, then purge the queue of dead letters, or this keeps ringing.',
    })
    this.ring('Crashes', {
      metric: crashes,
      means:
        'A function ended by itself or at its timeout; what it did is finished by the next request or cleanup.',
      todo: 'Read its log. Do not raise the timeout: it must end before the lease.',
    })
    this.ring('Throttles', {
      metric: throttles,
      means: 'Lambda or DynamoDB turned requests away; callers were told to come again.',
      todo: 'Ask AWS for more Lambda concurrency, or raise `limits.requestsPerSecond`, from which the table’s maximum follows.',
    })

    this.dashboard = drawDashboard(this, {
      alarms: this.alarms,
      metrics,
      period,
      api,
      vend,
      connect,
      troubles: [serverErrors, crashes, throttles],
      deadLetters,
    })
  }

  private ring(id: string, { metric, means, todo, atLeast = 1, atMost, moreThan }: Rule): void {
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
