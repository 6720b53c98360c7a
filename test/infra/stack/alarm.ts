/** As much of how CloudWatch evaluates an alarm as ours use. */

/** By metric and, where a template has several of a name, a word of what it is of: a value for each of the last periods. */
export type Fed = Record<string, (number | undefined)[]>

interface Query {
  Id: string
  Expression?: string
  MetricStat?: { Metric: { MetricName: string; Dimensions?: object[] } }
  ReturnData?: boolean
}

// biome-ignore lint/suspicious/noExplicitAny: a template's properties have no types.
export function stateOf(alarm: any, fed: Fed): 'ALARM' | 'OK' {
  const { EvaluationPeriods, DatapointsToAlarm, Threshold, ComparisonOperator, TreatMissingData } = alarm
  if (TreatMissingData !== 'notBreaching') throw new Error(`missing data as ${TreatMissingData}`)
  const breaches: Record<string, (value: number) => boolean> = {
    GreaterThanOrEqualToThreshold: (value) => value >= Threshold,
    GreaterThanThreshold: (value) => value > Threshold,
    LessThanThreshold: (value) => value < Threshold,
  }
  const bad = valuesOf(alarm, fed)
    .slice(-EvaluationPeriods)
    .filter((value) => value !== undefined && breaches[ComparisonOperator]?.(value))
  return bad.length >= DatapointsToAlarm ? 'ALARM' : 'OK'
}

// biome-ignore lint/suspicious/noExplicitAny: as above.
function valuesOf(alarm: any, fed: Fed): (number | undefined)[] {
  if (alarm.Metrics === undefined) return seriesOf(alarm, fed)
  const queries: Query[] = alarm.Metrics
  const series = Object.fromEntries(
    queries.flatMap(({ Id, MetricStat }) => (MetricStat ? [[Id, seriesOf(MetricStat.Metric, fed)]] : [])),
  )
  const expression = queries.find(({ ReturnData }) => ReturnData !== false)?.Expression
  if (expression === undefined) return Object.values(series)[0] ?? []
  const compute = new Function('FILL', ...Object.keys(series), `return ${expression}`)
  const fill = (value: number | undefined, by: number) => value ?? by
  return [0, 1, 2, 3].map((period) => {
    const value: number = compute(fill, ...Object.values(series).map((values) => values[period]))
    // Without one of its metrics an expression has no value.
    return Number.isNaN(value) ? undefined : value
  })
}

function seriesOf(metric: { MetricName: string; Dimensions?: object[] }, fed: Fed): (number | undefined)[] {
  const about = JSON.stringify(metric.Dimensions ?? [])
  const [, values = [undefined, undefined, undefined, undefined]] =
    Object.entries(fed).find(([key]) => {
      const [name, word = ''] = key.split(' ')
      return name === metric.MetricName && about.includes(word)
    }) ?? []
  return values
}
