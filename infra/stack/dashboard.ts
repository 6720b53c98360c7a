import { Duration } from 'aws-cdk-lib'
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  LogQueryVisualizationType,
  LogQueryWidget,
} from 'aws-cdk-lib/aws-cloudwatch'
import type { Construct } from 'constructs'
import type { Api } from './api.ts'
import type { Entry } from './bundle.ts'
import type { Handler } from './handler.ts'
import type { Metrics } from './metrics.ts'

/** What a person on call would want to see, from above: is anything wrong, for whom, what is slow, what broke, which requests. */
export function drawDashboard(
  scope: Construct,
  props: {
    alarms: Alarm[]
    metrics: Metrics
    period: Duration
    api: Api
    vend: Handler<'vend'>
    connect: Handler<'connect'>
    /** Each the sum over all functions. */
    troubles: IMetric[]
    deadLetters: IMetric
  },
): Dashboard {
  const { alarms, metrics, period, api, vend, connect, troubles, deadLetters } = props
  const dashboard = new Dashboard(scope, 'Dashboard', { defaultInterval: Duration.hours(12) })
  dashboard.addWidgets(new AlarmStatusWidget({ title: 'Alarms', width: 24, height: 3, alarms }))
  dashboard.addWidgets(
    graph('Vends by verdict', metrics.all('Vends'), { stacked: true }),
    graph('Refused callers', [
      metrics.of('InvalidTokens', { label: 'bearer token not accepted' }),
      metrics.of('Denials', { label: 'no access, or too often' }),
    ]),
    graph('Outages by dependency', metrics.all('Outages'), { stacked: true }),
  )
  dashboard.addWidgets(
    graph(
      'Latency of the API, ms',
      ['p50', 'p90', 'p99'].map((statistic) =>
        api.api.metricLatency({ period, statistic, label: statistic }),
      ),
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
  )
  dashboard.addWidgets(
    graph('Errors', [
      ...troubles,
      metrics.of('Faults'),
      metrics.of('WrongAnswers'),
      metrics.of('SdkFallbacks'),
    ]),
    graph('Keys: issuers’ that are stale, tokens that cannot be opened', [
      metrics.of('StaleKeys'),
      metrics.of('UnreadableTokens'),
    ]),
    graph('Cleanup: alarms, dead letters; oldest backlog, ms', [metrics.of('CleanupAlarms'), deadLetters], {
      right: [metrics.of('CleanupBacklog', { statistic: 'Maximum', label: 'oldest backlog, ms' })],
    }),
  )
  dashboard.addWidgets(
    logged(
      'Refusals and outages by reason',
      8,
      [vend, connect],
      ['filter status >= 400', 'stats count(*) as times by code, reason', 'sort times desc'],
    ),
    logged(
      'The last vends that were not simply reuse',
      16,
      [vend],
      [
        'fields @timestamp, status, code, reason, dependency, verdict, verdict_reason, took, steps.table, steps.seam, waits, request_id',
        'filter what = "vend" and (verdict != "reuse" or status >= 400)',
        'sort @timestamp desc',
        'limit 50',
      ],
    ),
  )
  return dashboard
}

function graph(
  title: string,
  left: IMetric[],
  { stacked = false, right = [] }: { stacked?: boolean; right?: IMetric[] } = {},
): GraphWidget {
  return new GraphWidget({ title, left, right, stacked, width: 8, height: 6, leftYAxis: { min: 0 } })
}

function logged(title: string, width: number, from: Handler<Entry>[], queryLines: string[]): LogQueryWidget {
  const logGroupNames = from.map(({ logGroup }) => logGroup.logGroupName)
  return new LogQueryWidget({
    title,
    width,
    height: 8,
    view: LogQueryVisualizationType.TABLE,
    logGroupNames,
    queryLines,
  })
}
