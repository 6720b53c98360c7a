/** JSON Schema 2020-12, as much of it as our document uses. A keyword that is not known here throws: nothing passes unchecked. */

export interface Schema {
  [keyword: string]: unknown
}

/** What is wrong with a value, as sentences that begin with where; none when it is valid. `root` resolves references. */
export function faultsOf(value: unknown, schema: Schema, root: unknown, where = ''): string[] {
  return Object.entries(schema).flatMap(([keyword, rule]) => {
    const check = Object.hasOwn(keywords, keyword) ? keywords[keyword] : undefined
    if (check === undefined) throw new Error(`${where}: this checker does not know ${keyword}`)
    return check({ value, rule, schema, root, where })
  })
}

interface Check {
  value: unknown
  // biome-ignore lint/suspicious/noExplicitAny: each keyword has a rule of its own form.
  rule: any
  schema: Schema
  root: unknown
  where: string
}

const silent = () => []
const say = (holds: boolean, where: string, sentence: string) =>
  holds ? [] : [`${where || '/'} ${sentence}`]
const isText = (value: unknown) => typeof value === 'string'
const isNumber = (value: unknown) => typeof value === 'number'

const types: Record<string, (value: unknown) => boolean> = {
  string: isText,
  boolean: (value) => typeof value === 'boolean',
  number: isNumber,
  integer: Number.isInteger,
  array: Array.isArray,
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
}

const formats: Record<string, (value: string) => boolean> = {
  uri: URL.canParse,
  'date-time': (value) =>
    /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(value) && !Number.isNaN(Date.parse(value)),
}

const keywords: Record<string, (check: Check) => string[]> = {
  description: silent,
  default: silent,
  $ref: ({ value, rule, root, where }) => faultsOf(value, resolved(rule, root) as Schema, root, where),
  allOf: ({ value, rule, root, where }) =>
    rule.flatMap((schema: Schema) => faultsOf(value, schema, root, where)),
  type: ({ value, rule, where }) => say(types[rule]?.(value) ?? false, where, `is no ${rule}`),
  const: ({ value, rule, where }) => say(value === rule, where, `is not ${JSON.stringify(rule)}`),
  enum: ({ value, rule, where }) => say(rule.includes(value), where, `is none of ${JSON.stringify(rule)}`),
  minLength: ({ value, rule, where }) =>
    say(!isText(value) || (value as string).length >= rule, where, 'is too short'),
  maxLength: ({ value, rule, where }) =>
    say(!isText(value) || (value as string).length <= rule, where, 'is too long'),
  pattern: ({ value, rule, where }) =>
    say(!isText(value) || new RegExp(rule, 'u').test(value as string), where, `does not match ${rule}`),
  format: ({ value, rule, where }) =>
    say(!isText(value) || (formats[rule]?.(value as string) ?? false), where, `is no ${rule}`),
  minimum: ({ value, rule, where }) =>
    say(!isNumber(value) || (value as number) >= rule, where, 'is too small'),
  minItems: ({ value, rule, where }) =>
    say(!Array.isArray(value) || value.length >= rule, where, 'has too few'),
  maxItems: ({ value, rule, where }) =>
    say(!Array.isArray(value) || value.length <= rule, where, 'has too many'),
  items: ({ value, rule, root, where }) =>
    Array.isArray(value) ? value.flatMap((item, i) => faultsOf(item, rule, root, `${where}/${i}`)) : [],
  required: ({ value, rule, where }) =>
    rule
      .filter((name: string) => !Object.hasOwn(Object(value), name))
      .map((name: string) => `${where || '/'} lacks ${name}`),
  properties: ({ value, rule, root, where }) =>
    Object.entries(rule).flatMap(([name, schema]) =>
      Object.hasOwn(Object(value), name)
        ? faultsOf((value as Record<string, unknown>)[name], schema as Schema, root, `${where}/${name}`)
        : [],
    ),
  additionalProperties: ({ value, rule, schema, where }) => {
    if (rule !== false) throw new Error('only `additionalProperties: false` is known here')
    const known = Object.keys((schema.properties as object) ?? {})
    const unknown = Object.keys(Object(value)).filter((name) => !known.includes(name))
    return say(unknown.length === 0, where, `has also ${unknown}`)
  },
}

/** What `#/a/b` means in a document. */
export function resolved(reference: string, root: unknown): unknown {
  if (!reference.startsWith('#/')) throw new Error(`${reference} is outside of the document`)
  const found = reference
    .slice(2)
    .split('/')
    .reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], root)
  if (found === undefined) throw new Error(`${reference} leads nowhere`)
  return found
}
