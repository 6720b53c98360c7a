import { Duration } from 'aws-cdk-lib'
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
} from 'aws-cdk-lib/aws-cloudwatch'
import type { Construct } from 'constructs'
import type { Watched } from './alarms.ts'
import type { Api } from './api.ts'
import type { Metrics } from './metrics.ts'

interface DashboardProps {
  readonly alarms: Alarm[]
  readonly metrics: Metrics
  readonly watched: Watched
  readonly api: Api
}

/** For the person on call, from above: is anything wrong, for whom, what is slow, what broke. Which requests: infra/OPERATING.md has the queries. */
export function drawDashboard(scope: Construct, props: DashboardProps): Dashboard {
  const { alarms } = props
  const dashboard = new Dashboard(scope, 'Dashboard', { defaultInterval: Duration.hours(12) })
  dashboard.addWidgets(new AlarmStatusWidget({ title: 'Alarms', width: 24, height: 3, alarms }))
  for (const row of [vendGraphs, timeGraphs, errorGraphs]) dashboard.addWidgets(...row(props))
  return dashboard
}

function vendGraphs({ metrics }: DashboardProps): IWidget[] {
  return [
    graph('Vends by verdict', metrics.all('Vends'), { stacked: true }),
    graph('Refused callers', [
      metrics.of('InvalidTokens', { label: 'bearer token not accepted' }),
      metrics.of('Denials', { label: 'no access, or too often' }),
    ]),
    graph('Outages by dependency', metrics.all('Outages'), { stacked: true }),
  ]
}

function timeGraphs({ metrics, api: { api } }: DashboardProps): IWidget[] {
  const period = Duration.minutes(5)
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

function errorGraphs({ metrics, watched }: DashboardProps): IWidget[] {
  const { ServerErrors, ClientErrors, Crashes, Faults, Concurrency, CleanupAlarms } = watched
  const { Throttles, RefusedWebhooks, StaleKeys } = watched
  return [
    graph('Errors; requests at once', [ServerErrors, ClientErrors, Crashes, Faults], {
      right: [Concurrency],
    }),
    graph('Throttled; refused webhooks; stale keys of issuers; slow through the AWS SDK', [
      Throttles,
      RefusedWebhooks,
      StaleKeys,
      metrics.of('SdkFallbacks'),
    ]),
    graph('Cleanup: alarms; oldest backlog, ms', [CleanupAlarms], {
      right: [metrics.of('CleanupBacklog', { statistic: 'Maximum', label: 'oldest backlog, ms' })],
    }),
  ]
}

function graph(
  title: string,
  left: IMetric[],
  { stacked = false, right = [] }: { stacked?: boolean; right?: IMetric[] } = {},
): GraphWidget {
  return new GraphWidget({ title, left, right, stacked, width: 8, height: 6, leftYAxis: { min: 0 } })
}
