import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { rules } from '../../../infra/stack/alarms.ts'
import { countedMetrics } from '../../../infra/stack/metrics.ts'
import { type Fed, stateOf } from './alarm.ts'
import { exampleConfiguration, resources, synthesised } from './stack.ts'

const template = synthesised()
const alarms = resources(template, 'AWS::CloudWatch::Alarm')
const [[topicId] = []] = resources(template, 'AWS::SNS::Topic')

const seriesName = (namespace: string, name: string, dimensions: string[]) =>
  [namespace, name, ...dimensions].join(' ')
/** Of a line of a widget: namespace, name, dimensions and their values, and how it is drawn. */
const seriesOf = (line: unknown[]) => {
  const [namespace = '', name = '', ...dimensions] = line.filter((it) => typeof it === 'string')
  return seriesName(namespace, name, dimensions)
}

/** Every series that the metric filters of a template can make. */
const countedIn = (stack: typeof template) =>
  new Set(
    resources(stack, 'AWS::Logs::MetricFilter').flatMap(([, { Properties }]) => {
      const [{ MetricNamespace, MetricName, Dimensions = [] }] = Properties.MetricTransformations
      if (Dimensions.length === 0) return [seriesName(MetricNamespace, MetricName, [])]
      const [{ Key, Value }] = Dimensions
      // A filter lets no other values pass, or an audit object could make series without end.
      const values = Properties.FilterPattern.matchAll(new RegExp(`\\${Value} = "(\\w+)"`, 'g'))
      return [...values].map(([, value]) => seriesName(MetricNamespace, MetricName, [Key, value]))
    }),
  )
const counted = countedIn(template)

describe('alarms', () => {
  it.each(alarms)('ring at the topic, say what to do, and tell when it is over: %s', (_, { Properties }) => {
    expect(Properties.AlarmActions).toEqual([{ Ref: topicId }])
    expect(Properties.OKActions).toEqual([{ Ref: topicId }])
    expect(Properties.AlarmDescription).toMatch(/^[A-Z0-9].{20,}[.)] .{20,}\.$/)
    const same = alarms.filter(([, it]) => it.Properties.AlarmDescription === Properties.AlarmDescription)
    expect(same).toHaveLength(1)
  })

  it('cover what the service can suffer from', () => {
    const names = alarms.map(([id]) => id.replace(/^TokenVendingWatching/, '').replace(/[0-9A-F]{8}$/, ''))
    expect(names.sort()).toEqual([
      'CleanupAlarms',
      'CleanupSilent',
      'ClientErrors',
      'Concurrency',
      'Crashes',
      'Faults',
      'Latency',
      'Outagedynamodb',
      'Outageissuer',
      'Outageseam',
      'Outagesecrets',
      'RefusedWebhooks',
      'SdkFallbacks',
      'ServerErrors',
      'StaleKeys',
      'Throttles',
    ])
  })

  it.each(['README.md', 'infra/OPERATING.md'])('stand in %s with what to do', (file) => {
    const text = readFileSync(file, 'utf8').replaceAll('Outage-', 'Outage')
    const missing = alarms
      .map(([id]) => id.replace(/^TokenVendingWatching/, '').replace(/[0-9A-F]{8}$/, ''))
      .filter((name) => !text.includes(`\`${name}\``))
    expect(missing).toEqual([])
  })

  it('watch metrics that are counted, with the dimension that they are counted by', () => {
    const watched = alarms
      // A metric with a label of its own stands one level deeper.
      .flatMap(([, { Properties }]) =>
        (Properties.Metrics ?? [Properties]).map((it: Watched) => it.MetricStat?.Metric ?? it),
      )
      .filter(({ Namespace }) => Namespace?.startsWith('SeamTokenVending'))
      .map(({ Namespace, MetricName, Dimensions = [] }) =>
        seriesName(
          Namespace,
          MetricName,
          Dimensions.flatMap(({ Name, Value }: Record<string, string>) => [Name, Value]),
        ),
      )
    expect(watched.toSorted()).toEqual([...counted].sort())
  })

  it('can be heard: CloudWatch may publish, over TLS alone', () => {
    const [[, policy] = []] = resources(template, 'AWS::SNS::TopicPolicy')
    expect(policy?.Properties.PolicyDocument.Statement).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ Effect: 'Allow', Principal: { Service: 'cloudwatch.amazonaws.com' } }),
        expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
      ]),
    )
  })
})

/** A number of each of the last periods, the newest last; `undefined`: none has come. */
const quiet = [undefined, undefined, undefined, undefined]
const last = (value: number) => [...quiet.slice(1), value]
const every = (value: number) => quiet.map(() => value)

it.each<[string, string, Fed, Fed]>([
  ['ServerErrors', '5xx', { '5xx': last(5) }, { '5xx': last(4) }],
  ['Outageseam', 'Outages', { 'Outages seam': last(5) }, { 'Outages dynamodb': last(5) }],
  ['Outagedynamodb', 'Outages', { 'Outages dynamodb': last(5) }, { 'Outages dynamodb': last(4) }],
  ['Outageissuer', 'Outages', { 'Outages issuer': last(5) }, { 'Outages seam': last(9) }],
  ['Outagesecrets', 'Outages', { 'Outages secrets': last(5) }, {}],
  ['Faults', 'Faults', { Faults: last(1) }, {}],
  ['StaleKeys', 'StaleKeys', { StaleKeys: last(1) }, {}],
  [
    'SdkFallbacks',
    'SdkFallbacks',
    { SdkFallbacks: every(2), 'Invocations Vend': every(100) },
    { SdkFallbacks: last(2), 'Invocations Vend': every(100) },
  ],
  ['Latency', 'Latency', { Latency: every(3000) }, { Latency: [200, 200, 9000, 9000] }],
  [
    'Concurrency',
    'ConcurrentExecutions',
    { 'ConcurrentExecutions Vend': every(50) },
    { 'ConcurrentExecutions Vend': last(50) },
  ],
  ['Throttles', 'Throttles', { Throttles: last(20) }, { Throttles: last(19) }],
  ['ClientErrors', '4xx', { '4xx': last(300) }, { '4xx': last(299) }],
  ['RefusedWebhooks', 'RefusedWebhooks', { RefusedWebhooks: last(1) }, {}],
  ['CleanupAlarms', 'CleanupAlarms', { CleanupAlarms: last(1) }, {}],
  [
    'CleanupSilent',
    'Invocations',
    { 'Invocations Cleaning': [1, undefined, undefined, undefined] },
    // The newest is late, and one fell into the period before.
    { 'Invocations Cleaning': [undefined, 2, 1, undefined] },
  ],
  [
    'Crashes',
    'Errors',
    { 'Errors Webhook': [undefined, undefined, 1, undefined] },
    { 'Errors Webhook': [1, undefined, undefined, undefined] },
  ],
])('%s rings when %s says so, and is over when it does no longer', (name, _, bad, good) => {
  const alarm = alarms.find(([id]) => id.includes(`Watching${name}`))?.[1].Properties
  expect([stateOf(alarm, bad), stateOf(alarm, good)]).toEqual(['ALARM', 'OK'])
  // Cleanup alone is expected to do something.
  if (name !== 'CleanupSilent') expect(stateOf(alarm, {})).toBe('OK')
})

it('limits follow from how much may pass, and how often cleanup runs', () => {
  const configuration = {
    ...exampleConfiguration,
    limits: { requestsPerSecond: 1000 },
    cleanup: { everyMinutes: 60 },
  }
  const found = (name: string, props: object) =>
    resources(synthesised({ configuration, ...props }), 'AWS::CloudWatch::Alarm').find(([id]) =>
      id.includes(`Watching${name}`),
    )?.[1].Properties
  expect(found('ClientErrors', {}).Threshold).toBe(6000)
  expect(found('Concurrency', {}).Threshold).toBe(800)
  expect(found('Concurrency', { vendConcurrency: 20 }).Threshold).toBe(16)
  const silent = found('CleanupSilent', {})
  expect(JSON.stringify(silent.Metrics)).toContain('"Period":3600')
})

it('a stack counts what its alarms watch, and the rest for the dashboard alone', () => {
  expect(counted.size).toBe(10)
  expect(countedIn(synthesised({ dashboard: true })).size).toBe(15)
})

describe('the dashboard', () => {
  const template = synthesised({ dashboard: true })
  const counted = countedIn(template)
  const [[, dashboard] = []] = resources(template, 'AWS::CloudWatch::Dashboard')
  const widgets: Widget[] = JSON.parse(textOf(dashboard?.Properties.DashboardBody)).widgets
  const graphs = widgets.filter(({ type }) => type === 'metric')

  it('is an option, since it costs', () => {
    expect(resources(synthesised(), 'AWS::CloudWatch::Dashboard')).toEqual([])
  })

  it('shows what a person on call would ask for', () => {
    expect(widgets.map(({ properties }) => properties.title)).toEqual([
      'Alarms',
      'Vends by verdict',
      ...Object.keys(rules),
    ])
  })

  it('fills its 24 columns without a gap and without one on another', () => {
    const cells = widgets.flatMap(({ x, y, width, height }) =>
      Array.from({ length: width * height }, (_, i) => `${x + (i % width)} ${y + Math.floor(i / width)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    const bottom = Math.max(...widgets.map(({ y, height }) => y + height))
    expect(cells).toHaveLength(24 * bottom)
    expect(widgets.every(({ x, width }) => x + width <= 24)).toBe(true)
  })

  it('draws what only the dashboard counts, and each alarm with its metric and its limit', () => {
    const drawn = graphs.flatMap(({ properties }) => (properties.metrics ?? []).map(seriesOf))
    const without = countedIn(synthesised())
    expect(drawn.sort()).toEqual([...counted].filter((series) => !without.has(series)).sort())
    const shown = graphs.flatMap(({ properties }) => properties.annotations?.alarms ?? [])
    const ids = resources(template, 'AWS::CloudWatch::Alarm').map(([id]) => id)
    expect(shown.map((arn) => /\$\{(\w+)/.exec(arn)?.[1])).toEqual(ids)
  })
})

type Watched = { MetricStat?: { Metric: Series } } & Series
interface Series {
  Namespace: string
  MetricName: string
  Dimensions?: Record<string, string>[]
}

interface Widget {
  type: string
  x: number
  y: number
  width: number
  height: number
  properties: { title?: string; metrics?: unknown[][]; annotations?: { alarms?: string[] } }
}

/** A value of the template as text, `${…}` in the place of what CloudFormation puts in. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  const { 'Fn::Join': join, ...reference } = value as { 'Fn::Join'?: [string, unknown[]] }
  if (join !== undefined) return join[1].map(textOf).join(join[0])
  return `\${${Object.values(reference).flat()[0]}}`
}

/** As much of CloudWatch's filter language as the patterns use. */
function matches(pattern: string, line: object): boolean {
  const field = (path: string): unknown =>
    path.split(/[.[\]]+/).reduce<unknown>((value, step) => {
      if (step === '' || step === '$') return value
      return (value as Record<string, unknown> | undefined)?.[step]
    }, line)
  const term = (text: string): boolean => {
    const parsed = /^(\$\S+) (?:(=|>=|<) (.+)|(IS TRUE))$/.exec(text.replace(/^\(|\)$/g, '').trim())
    if (parsed === null) throw new Error(`cannot read the filter term ${text}`)
    const [, path = '', operator, operand = '', isTrue] = parsed
    const value = field(path)
    if (isTrue) return value === true
    if (operand === '*') return value !== undefined
    if (operator === '=')
      return operand.startsWith('"') ? value === JSON.parse(operand) : value === Number(operand)
    return operator === '<' ? Number(value) < Number(operand) : Number(value) >= Number(operand)
  }
  const any = (text: string): boolean => text.split(' || ').some(term)
  const body = pattern.replace(/^\{ | \}$/g, '')
  // `&&` binds groups in parentheses; only the last may be several terms.
  return body.split(' && ').every((group) => any(group.replace(/^\((\(.*\))\)$/, '$1')))
}

const vend = {
  what: 'vend',
  status: 200,
  verdict: 'reuse',
  verdict_reason: 'live',
  seam_calls: [],
  waits: 0,
  steps: { verify: 1, table: 4, seal: 0 },
}
it.each<[string, object, string[]]>([
  ['a vend', vend, ['Vends']],
  [
    'a vend that waited, and called Seam',
    { ...vend, verdict: 'extend', steps: { table: 9, wait: 400, seam: 70 } },
    ['Vends'],
  ],
  ['a vend with keys that could not be confirmed', { ...vend, stale_keys: true }, ['Vends', 'StaleKeys']],
  ['a vend that needed the AWS SDK', { ...vend, sdk: 2, sdk_why: 'no_answer' }, ['Vends', 'SdkFallbacks']],
  ['a vend that a setting sends to the AWS SDK', { ...vend, sdk: 2, sdk_why: 'setting' }, ['Vends']],
  [
    'a vend after a wrong answer',
    { ...vend, verdict: 'create', wrong_answers: ['other_key'] },
    ['Vends', 'Faults'],
  ],
  [
    'a token that cannot be opened',
    { ...vend, verdict: 'replace', verdict_reason: 'unreadable_token' },
    ['Vends', 'Faults'],
  ],
  ['a bearer token that is no good', { what: 'request', status: 401, code: 'invalid_token' }, []],
  ['a denial', { what: 'vend', status: 403, code: 'claim_denied' }, []],
  ['no credentials', { what: 'request', status: 401, code: 'missing_token' }, []],
  ['an outage', { what: 'vend', status: 503, code: 'upstream_unavailable', dependency: 'seam' }, ['Outages']],
  ['busy', { what: 'vend', status: 503, code: 'busy' }, []],
  ['an error of our own', { what: 'vend', status: 500, code: 'internal' }, ['Faults']],
  [
    'a record of another issuer',
    { what: 'vend', status: 403, code: 'not_provisioned', reason: 'record_of_another_issuer' },
    ['Faults'],
  ],
  ['a request that the stage turned away', { status: '429', integration_status: '-' }, ['Throttles']],
  [
    'a webhook that nobody known has signed',
    { what: 'webhook', status: 400, fault: 'signature' },
    ['RefusedWebhooks'],
  ],
  ['a webhook that came too late', { what: 'webhook', status: 400, fault: 'too_old' }, []],
  ['a good cleanup', { what: 'cleanup', alarms: [], oldest_backlog: 0 }, []],
  [
    'a cleanup that somebody should look at',
    { what: 'cleanup', alarms: ['fuse'], oldest_backlog: 5 },
    ['CleanupAlarms'],
  ],
])('%s is counted as what it is', (_, line, names) => {
  const counted = Object.entries(countedMetrics).filter(([, { pattern }]) => matches(pattern, line))
  expect(counted.map(([name]) => name)).toEqual(names)
})
