import { type CountedMetric, countedMetrics } from '../../../infra/stack/metrics.ts'
import { resources, synthesised } from '../../infra/stack/stack.ts'
import { sum } from '../statistics.ts'
import { prices } from './prices.ts'

const month = 30 * 24 * 60 // Minutes.

/** One run of cleaning up that finds nothing: a guess at Lambda's time; the rest is counted from its code. */
const run = {
  seconds: 0.3,
  memoryGb: 0.5,
  /** 16 shards of the index and the settings, half a unit each at least; the run's lease and report. */
  reads: 16 * 0.5 + 2,
  writes: 3,
  logBytes: 1500,
}

let template: ReturnType<typeof synthesised> | undefined

/** What a stack costs that nobody uses, in USD per month, counted from its own template. */
export function idleBill(everyMinutes: number) {
  template ??= synthesised()
  const stack = template
  const count = (type: string) => resources(stack, type).length
  const alarms = resources(stack, 'AWS::CloudWatch::Alarm')
  // Metric math is paid for by the metric, not by the expression.
  const alarmMetrics = alarms.flatMap(([, { Properties }]) =>
    (Properties.Metrics ?? [{ MetricStat: {} }]).filter((one: object) => 'MetricStat' in one),
  ).length
  const runs = month / everyMinutes
  const cleaning =
    runs *
    (prices.scheduledStart +
      prices.lambdaRequest +
      run.seconds * run.memoryGb * prices.lambdaGbSecond +
      run.reads * prices.readUnit +
      run.writes * prices.writeUnit +
      (run.logBytes * prices.logGb) / 1e9)
  const secrets = count('AWS::SecretsManager::Secret')
  return {
    parts: [
      {
        what: `${alarms.length} alarms over ${alarmMetrics} metrics`,
        usd: alarmMetrics * prices.alarmMetric,
      },
      { what: `${secrets} secrets`, usd: secrets * prices.secret },
      { what: `cleaning up every ${everyMinutes} minutes`, usd: cleaning },
    ],
    /** Series of our own metrics that count only what goes wrong; the others are counted for the dashboard alone. */
    metricSeries: sum(
      Object.values<CountedMetric>(countedMetrics).map(({ drawn, by }) =>
        drawn ? 0 : (by?.values.length ?? 1),
      ),
    ),
    perSeries: prices.metricSeries,
  }
}
