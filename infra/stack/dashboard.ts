import { Duration } from 'aws-cdk-lib'
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type GraphWidgetProps,
  type IMetric,
  type IWidget,
} from 'aws-cdk-lib/aws-cloudwatch'
import type { Construct } from 'constructs'
import type { rules, Watched } from './alarms.ts'
import { period } from './metrics.ts'

export type Alarms = Readonly<Record<keyof typeof rules, Alarm>>

/** For the person on call, from above: is anything wrong, for whom, what is slow, what broke. Which requests: infra/OPERATING.md has the queries. */
export function drawDashboard(scope: Construct, alarms: Alarms, watched: Watched): Dashboard {
  const dashboard = new Dashboard(scope, 'Dashboard', { defaultInterval: Duration.hours(12) })
  dashboard.addWidgets(
    new AlarmStatusWidget({ title: 'Alarms', width: 24, height: 3, alarms: Object.values(alarms) }),
  )
  dashboard.addWidgets(...vendGraphs(watched))
  dashboard.addWidgets(...timeGraphs(watched))
  dashboard.addWidgets(...errorGraphs(watched, alarms))
  return dashboard
}

function vendGraphs({ metrics }: Watched): IWidget[] {
  return [
    graph('Vends by verdict', metrics.all('Vends'), { stacked: true }),
    graph('Refused callers', [
      metrics.of('InvalidTokens', { label: 'bearer token not accepted' }),
      metrics.of('Denials', { label: 'no access, or too often' }),
    ]),
    graph('Outages by dependency', metrics.all('Outages'), { stacked: true }),
  ]
}

function timeGraphs({ metrics, api }: Watched): IWidget[] {
  return [
    graph(
      'Latency of the API, ms',
      ['p50', 'p90', 'p99'].map((statistic) => api.metricLatency({ period, statistic, label: statistic })),
    ),
    graph(
      'Time at the table and at Seam, ms a vend',
      ['p50', 'p99'].flatMap((statistic) => [
        metrics.of('TableTime', { statistic, label: `table ${statistic}` }),
        metrics.of('SeamTime', { statistic, label: `Seam ${statistic}` }),
      ]),
    ),
    graph(
      'Vends that called Seam, or waited for one that did',
      [
        metrics.of('SeamTime', { statistic: 'SampleCount', label: 'called Seam' }),
        metrics.of('LeaseWaits', { statistic: 'SampleCount', label: 'waited' }),
      ],
      { right: [metrics.of('LeaseWaits', { statistic: 'p99', label: 'waited, ms p99' })] },
    ),
  ]
}

function errorGraphs({ metrics }: Watched, alarms: Alarms): IWidget[] {
  const { ServerErrors, ClientErrors, Crashes, Faults, Concurrency } = alarms
  const watchedBy = (...of: Alarm[]) => of.map(({ metric }) => metric)
  return [
    graph('Errors; requests at once', watchedBy(ServerErrors, ClientErrors, Crashes, Faults), {
      right: watchedBy(Concurrency),
    }),
    graph('Throttled; refused webhooks; stale keys of issuers; slow through the AWS SDK', [
      ...watchedBy(alarms.Throttles, alarms.RefusedWebhooks, alarms.StaleKeys),
      metrics.of('SdkFallbacks'),
    ]),
    graph('Cleanup: alarms; oldest backlog, ms', watchedBy(alarms.CleanupAlarms), {
      right: [metrics.of('CleanupBacklog', { statistic: 'Maximum', label: 'oldest backlog, ms' })],
    }),
  ]
}

function graph(title: string, left: IMetric[], how: GraphWidgetProps = {}): GraphWidget {
  return new GraphWidget({ title, left, width: 8, height: 6, leftYAxis: { min: 0 }, ...how })
}
