import { Duration } from 'aws-cdk-lib'
import {
  type Alarm,
  AlarmStatusWidget,
  AlarmWidget,
  Dashboard,
  GraphWidget,
} from 'aws-cdk-lib/aws-cloudwatch'
import type { Construct } from 'constructs'
import type { rules, Watched } from './alarms.ts'

export type Alarms = Readonly<Record<keyof typeof rules, Alarm>>

/** For the person on call: is anything wrong, what is vended, and how near each alarm is. */
export function drawDashboard(scope: Construct, alarms: Alarms, { metrics }: Watched): Dashboard {
  const dashboard = new Dashboard(scope, 'Dashboard', { defaultInterval: Duration.hours(12) })
  const all = Object.values(alarms)
  dashboard.addWidgets(new AlarmStatusWidget({ title: 'Alarms', width: 24, height: 3, alarms: all }))
  dashboard.addWidgets(
    new GraphWidget({ title: 'Vends by verdict', left: metrics.all('Vends'), stacked: true, width: 24 }),
  )
  dashboard.addWidgets(
    ...Object.entries(alarms).map(([title, alarm]) => new AlarmWidget({ title, alarm, width: 6 })),
  )
  return dashboard
}
