import { Duration } from 'aws-cdk-lib'
import {
  Alarm,
  AlarmStatusWidget,
  AlarmWidget,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import { Construct } from 'constructs'
import { type Rule, rules, type Watched } from './alarms.ts'
import type { Api } from './api.ts'
import { Metrics, verdicts } from './metrics.ts'

export interface WatchingProps extends Omit<Watched, 'api' | 'metrics'> {
  readonly api: Api
  /** Gets an e-mail for each alarm. */
  readonly alarmEmail?: string | undefined
  readonly dashboard?: boolean | undefined
}

/** The alarms, to one topic, and the dashboard for the person on call. */
export class Watching extends Construct {
  /** Subscribe to this. */
  readonly topic: Topic

  constructor(scope: Construct, id: string, props: WatchingProps) {
    super(scope, id)
    const { configuration, functions, api, dashboard = false } = props
    this.topic = new Topic(this, 'Alarms', { enforceSSL: true })
    const conditions = { StringEquals: { 'aws:SourceAccount': this.topic.env.account } }
    this.topic.grantPublish(new ServicePrincipal('cloudwatch.amazonaws.com', { conditions }))
    if (props.alarmEmail !== undefined) this.topic.addSubscription(new EmailSubscription(props.alarmEmail))

    const logs = { ...functions, access: { logGroup: api.accessLog } }
    const metrics = new Metrics(this, configuration.deployment, logs, dashboard)
    const watched: Watched = { ...props, api: api.api, metrics }
    const alarms = Object.entries<Rule>(rules).map(([id, rule]) => this.ring(id, rule, watched))
    if (dashboard) this.draw(alarms, metrics)
  }

  private ring(id: string, rule: Rule, watched: Watched): Alarm {
    const alarm = new Alarm(this, id, {
      metric: rule.metric(watched),
      alarmDescription: `${rule.means} ${rule.todo}`,
      evaluationPeriods: rule.periods?.of ?? 1,
      datapointsToAlarm: rule.periods?.bad ?? 1,
      threshold: rule.limit?.(watched) ?? 1,
      comparisonOperator: rule.operator ?? ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    })
    const action = new SnsAction(this.topic)
    alarm.addAlarmAction(action)
    alarm.addOkAction(action)
    return alarm
  }

  /** For the person on call: is anything wrong, what is vended, and how near each alarm is. */
  private draw(alarms: Alarm[], metrics: Metrics): void {
    const vends = verdicts.map((verdict) => metrics.of('Vends', verdict))
    const dashboard = new Dashboard(this, 'Dashboard', { defaultInterval: Duration.hours(12) })
    dashboard.addWidgets(new AlarmStatusWidget({ title: 'Alarms', width: 24, height: 3, alarms }))
    dashboard.addWidgets(
      new GraphWidget({ title: 'Vends by verdict', left: vends, stacked: true, width: 24 }),
    )
    dashboard.addWidgets(...alarms.map((alarm) => new AlarmWidget({ title: alarm.node.id, alarm, width: 6 })))
  }
}
