import * as z from 'zod/v4-mini'
import { webviewOptionsFor } from '../connecting/webview-options.ts'
import * as contract from './contract.ts'
import { functionOf, paths, usualHeaders } from './openapi-paths.ts'
import { type Code, codes, Problem, type ProblemDetails, problemBody, problemHeaders } from './problem.ts'

/** The OpenAPI 3.1 document, the contract of DESIGN §6. Its shapes are the schemas that validate and type. */

const requestId = '3d3f3bd0-6a2f-4a5e-9f0e-5a2f0a7f9f10'
/** What a problem of this kind says beside its title, for its example. */
const details: Partial<Record<Code, ProblemDetails>> = {
  insufficient_user_authentication: { stepUp: { acr_values: ['urn:okta:loa:2fa:any', 'phr'], max_age: 300 } },
  not_provisioned: { subject: 'main|ada' },
  subject_disabled: { subject: 'main|ada' },
  claim_denied: { subject: 'main|ada' },
}

export function openApiDocument() {
  return {
    openapi: '3.1.1',
    info: {
      title: 'Seam token vending machine',
      version: '1',
      summary: 'A bearer token of your identity provider in, a Seam client session token out.',
      description:
        'Every problem says in `action` what a client should do: `reauthenticate` (get a fresh bearer token, once), `step_up` (let the user sign in as `acr_values` and `max_age` say, then get a fresh bearer token, once; on POST alone), `retry` (after `Retry-After`), `stop` (nothing helps; show it), or `fix_request` (a mistake of the program). Where the gateway in front refuses a request, its body has a `message` and no `action`: then retry.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'Where this document comes from.' }],
    tags: Object.keys(functionOf).map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'A token of one of the configured identity providers, for one of its audiences.',
        },
      },
      headers: {
        RequestId: header('.', 'Finds the request in the service’s log.'),
        NoStore: header('^no-store$', 'It is one caller’s.'),
        RetryAfter: header('^[1-9]\\d*$', 'Seconds to wait.'),
        Challenge: header(
          '^Bearer( error="(invalid_token|insufficient_user_authentication)"(, (acr_values|max_age)="[^"]+")*)?$',
          'RFC 6750 and 9470; without an error code when no token was sent. AWS may rename it to `x-amzn-remapped-www-authenticate`; the body says the same.',
        ),
      },
      responses: problemResponses(),
      schemas: {
        ClientSessionRequest: schemaOf('input', contract.clientSessionBody),
        ClientSession: schemaOf('output', contract.clientSessionAnswer),
        ConnectWebviewRequest: schemaOf('input', webviewOptionsFor([])),
        ConnectWebview: schemaOf('output', contract.connectWebviewAnswer),
        ConnectWebviewStatus: schemaOf('output', contract.statusAnswer),
        Health: schemaOf('output', contract.healthAnswer),
        Problem: schemaOf('output', contract.problemAnswer),
      },
    },
  }
}

/** One for each status that a declared route can answer with; 405 belongs to methods that are not declared. */
function problemResponses() {
  const byStatus = Map.groupBy(
    codes.filter((code) => code !== 'method_not_allowed'),
    (code) => new Problem(code).status,
  )
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => {
      const examples = codes.map((code) => new Problem(code, details[code] ?? {}))
      const waits = examples.some((problem) => 'retry-after' in problemHeaders(problem))
      return [
        `Problem${status}`,
        {
          description: examples.map((problem) => problemBody(problem, requestId).title).join(' Or: '),
          headers: {
            ...usualHeaders,
            ...(waits && { 'retry-after': { $ref: '#/components/headers/RetryAfter' } }),
            ...(status === 401 && { 'www-authenticate': { $ref: '#/components/headers/Challenge' } }),
          },
          content: {
            'application/problem+json': {
              schema: {
                allOf: [
                  { $ref: '#/components/schemas/Problem' },
                  { properties: { status: { const: status }, code: { enum: codes } } },
                ],
              },
              examples: Object.fromEntries(
                examples.map((problem) => [problem.code, { value: problemBody(problem, requestId) }]),
              ),
            },
          },
        },
      ]
    }),
  )
}

function header(pattern: string, description: string) {
  return { description, required: true, schema: { type: 'string', pattern } }
}

function schemaOf(io: 'input' | 'output', schema: z.ZodMiniType) {
  const { $schema, ...made } = z.toJSONSchema(schema, { io, override: ({ jsonSchema }) => tidy(jsonSchema) })
  return made
}

/** A format says what the pattern behind it says, and that an integer is no larger than a computer's goes without saying. */
function tidy(schema: z.core.JSONSchema.BaseSchema): void {
  if (schema.format !== undefined) delete schema.pattern
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum
}
