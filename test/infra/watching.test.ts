import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { countedMetrics } from '../../infra/metrics.ts'
import { resources, synthesised } from './stack.ts'

const template = synthesised()
const alarms = resources(template, 'AWS::CloudWatch::Alarm')
const [[topicId] = []] = resources(template, 'AWS::SNS::Topic')

describe('alarms', () => {
  it.each(alarms)('ring at the topic, and say what to do: %s', (_, { Properties }) => {
    expect(Properties.AlarmActions).toEqual([{ Ref: topicId }])
    expect(Properties.AlarmDescription.length).toBeGreaterThan(40)
  })

  it('cover what the service can suffer from', () => {
    const names = alarms.map(([id]) => id.replace(/^TokenVendingWatching/, '').replace(/[0-9A-F]{8}$/, ''))
    expect(names.sort()).toEqual([
      'CleanupAlarms',
      'CleanupSilent',
      'Crashes',
      'DeadLetters',
      'Faults',
      'Outagedynamodb',
      'Outageissuer',
      'Outageseam',
      'Outagesecrets',
      'ServerErrors',
      'StaleKeys',
      'Throttles',
      'UnreadableTokens',
      'WrongAnswers',
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
    const counted = resources(template, 'AWS::Logs::MetricFilter').map(([, { Properties }]) => {
      const [metric] = Properties.MetricTransformations
      return `${metric.MetricNamespace} ${metric.MetricName} ${(metric.Dimensions ?? []).map(({ Key }: { Key: string }) => Key)}`
    })
    // A metric with a label of its own stands one level deeper.
    const watched = alarms
      .map(([, { Properties }]) => Properties.Metrics?.[0]?.MetricStat?.Metric ?? Properties)
      .filter(({ Namespace }) => Namespace?.startsWith('SeamTokenVending'))
      .map(
        ({ Namespace, MetricName, Dimensions = [] }) =>
          `${Namespace} ${MetricName} ${Dimensions.map(({ Name }: { Name: string }) => Name)}`,
      )
    expect(watched).toHaveLength(9)
    expect(watched.filter((metric) => !counted.includes(metric))).toEqual([])
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

it('an idle stack pays for at most 20 custom series', () => {
  const series = countedMetrics.map((metric) => ('by' in metric ? metric.by.values.length : 1))
  expect(series.reduce((total, count) => total + count, 0)).toBeLessThanOrEqual(20)
})

it('has a dashboard', () => {
  const [[, dashboard] = []] = resources(template, 'AWS::CloudWatch::Dashboard')
  const text = JSON.stringify(dashboard?.Properties.DashboardBody)
  for (const title of [
    'Vends by verdict',
    'Latency',
    'Denials by code',
    'Outages by dependency',
    'Cleanup',
    'Errors',
  ])
    expect(text).toContain(title)
})

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

const vend = { what: 'vend', status: 200, verdict: 'reuse', verdict_reason: 'live', seam_calls: [], waits: 0 }
it.each<[string, object, string[]]>([
  ['a vend', vend, ['Vends']],
  ['a vend with keys that could not be confirmed', { ...vend, stale_keys: true }, ['Vends', 'StaleKeys']],
  [
    'a vend after a wrong answer',
    { ...vend, verdict: 'create', wrong_answers: ['other_key'] },
    ['Vends', 'WrongAnswers'],
  ],
  [
    'a token that cannot be opened',
    { ...vend, verdict: 'replace', verdict_reason: 'unreadable_token' },
    ['Vends', 'UnreadableTokens'],
  ],
  ['a denial', { what: 'request', status: 401, code: 'invalid_token' }, ['Denials']],
  ['no credentials', { what: 'request', status: 401, code: 'missing_token' }, []],
  ['an outage', { what: 'vend', status: 503, code: 'upstream_unavailable', dependency: 'seam' }, ['Outages']],
  ['busy', { what: 'vend', status: 503, code: 'busy' }, []],
  ['an error of our own', { what: 'vend', status: 500, code: 'internal' }, ['Faults']],
  [
    'a record of another issuer',
    { what: 'vend', status: 403, code: 'not_provisioned', reason: 'record_of_another_issuer' },
    ['Denials', 'Faults'],
  ],
  ['a good cleanup', { what: 'cleanup', alarms: [], oldest_backlog: 0 }, ['CleanupBacklog']],
  [
    'a cleanup that somebody should look at',
    { what: 'cleanup', alarms: ['fuse'], oldest_backlog: 5 },
    ['CleanupAlarms', 'CleanupBacklog'],
  ],
])('%s is counted as what it is', (_, line, names) => {
  expect(countedMetrics.filter(({ pattern }) => matches(pattern, line)).map(({ name }) => name)).toEqual(
    names,
  )
})
