import { openApiDocument } from '../../../functions/http/openapi.ts'
import { faultsOf, resolved, type Schema } from './json-schema.ts'

/** Holds answers, wherever they were seen, against the OpenAPI document. */

// biome-ignore lint/suspicious/noExplicitAny: a document is walked by names, and each test says what it expects there.
type Part = any

export const openApi: Part = JSON.parse(JSON.stringify(openApiDocument()))

export interface Seen {
  method: string
  /** Without the query. */
  path: string
  status: number
  headers: Headers
  text: string
}

/** What the document does not allow about an answer, as sentences. Preflights are none of its business. */
export function answerFaults(seen: Seen): string[] {
  const { method, status, headers, text } = seen
  if (method === 'OPTIONS') return []
  const declared = operationOf(seen)?.responses[status]
  const response =
    declared === undefined
      ? undeclared(seen)
      : '$ref' in declared
        ? resolved(declared.$ref, openApi)
        : declared
  if (response === undefined) return [`${method} ${seen.path} may not answer ${status}`]
  const { headers: expected = {}, content } = response as Part
  const wrong = Object.entries<Part>(expected).flatMap(([name, { $ref }]) => {
    const { required, schema } = resolved($ref, openApi) as Part
    const value = headers.get(name)
    if (value === null) return required ? [`there is no ${name}`] : []
    return faultsOf(value, schema, openApi, name)
  })
  if (content === undefined) return text === '' ? wrong : [...wrong, 'there is a body']
  const type = headers.get('content-type')?.split(';')[0] ?? ''
  const schema: Schema | undefined = content[type]?.schema
  return schema === undefined
    ? [...wrong, `it is ${type || 'of no type'}`]
    : [...wrong, ...faultsOf(JSON.parse(text), schema, openApi)]
}

/** Whatever is asked for at an address that is none, or by a method that it does not know. */
function undeclared({ method, path, status, headers }: Seen): Part {
  const methods = Object.keys(pathItemOf(path) ?? {}).map((name) => name.toUpperCase())
  const isFitting =
    (status === 404 && methods.length === 0) ||
    (status === 405 &&
      !methods.includes(method) &&
      headers.get('allow')?.split(', ').sort().join() === methods.sort().join())
  if (!isFitting) return undefined
  const schema = { $ref: '#/components/schemas/Problem' }
  return { content: { 'application/problem+json': { schema } } }
}

function operationOf({ method, path }: Seen): Part {
  return pathItemOf(path)?.[method.toLowerCase()]
}

function pathItemOf(path: string): Part {
  const entries = Object.entries<Part>(openApi.paths)
  return entries.find(([template]) => matches(template, path))?.[1]
}

/** A parameter takes what its schema takes, and so one step only. */
function matches(template: string, path: string): boolean {
  const [steps, given] = [template.split('/'), path.split('/')]
  if (steps.length !== given.length) return false
  return steps.every(
    (step, i) => step === given[i] || (step.startsWith('{') && /^[\w-]{1,64}$/.test(given[i] ?? '')),
  )
}
