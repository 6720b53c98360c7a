import * as z from 'zod/v4-mini'
import { webviewOptionsFor } from '../connecting/webviews.ts'
import {
  type ClientSessionAnswer,
  clientSessionAnswer,
  clientSessionBody,
  connectWebviewAnswer,
  healthAnswer,
  problemAnswer,
  statusAnswer,
} from './contract.ts'

/** What is asked and answered, as JSON Schema with a sentence about each member. */

export const clientSessionExample: ClientSessionAnswer = {
  token: 'seam_cst1exam_pleNotARealToken',
  token_type: 'seam_client_session',
  client_session_id: 'c2cbd177-1ef5-4973-b2ed-1e1d3ae7b6a5',
  workspace_id: '7f0f3a52-1b0e-4d0a-8b8e-3f8f0c2c9d11',
  endpoint: 'https://connect.getseam.com',
  expires_at: '2026-03-31T13:00:00.000Z',
  expires_in: 3600,
  refresh_in: 3000,
}

export function schemas() {
  return {
    ClientSessionRequest: schemaOf('input', clientSessionBody, {
      stale_client_session_id:
        'The client session whose token Seam refused. If it is still the caller’s, it is ended and replaced; at most once a minute.',
    }),
    ClientSession: schemaOf('output', clientSessionAnswer, {
      token: 'For Seam Components or Seam’s SDK. Keep it in memory only.',
      token_type: 'It is no bearer token of this service.',
      client_session_id: 'To be reported when Seam refuses the token; opens nothing.',
      workspace_id: 'Seam’s workspace.',
      endpoint: 'Where Seam’s API is.',
      expires_at: 'By the server’s clock; a browser’s may be wrong.',
      expires_in: 'Seconds from this answer on.',
      refresh_in: 'Seconds from this answer on after which asking again gains time.',
    }),
    ConnectWebviewRequest: schemaOf('input', webviewOptionsFor([]), {
      accepted_providers: 'Seam’s names of the providers to offer; all without it.',
      excluded_providers: 'Seam’s names of providers not to offer.',
      provider_category: 'Offer the providers of this category of Seam’s.',
      device_selection_mode: 'Whether the user chooses none, one or several of their devices.',
      automatically_manage_new_devices: 'Whether devices that come later are managed devices.',
      accepted_capabilities: 'Offer providers of such devices only.',
      custom_redirect_url:
        'Where the browser goes after a login: an address of an allowed origin or of an allowed app.',
      custom_redirect_failure_url: 'Where it goes when the login fails; otherwise to `custom_redirect_url`.',
      wait_for_device_creation: 'Whether the login counts as done only when the devices are there.',
    }),
    ConnectWebview: schemaOf('output', connectWebviewAnswer, {
      connect_webview_id: 'To ask how it goes.',
      url: 'A page of Seam’s.',
      expires_at: 'A login after this gives the caller nothing.',
    }),
    ConnectWebviewStatus: schemaOf('output', statusAnswer, {
      status: '`connected`: the account is the caller’s, and reached by their next client session token.',
      reason: 'Why a login that succeeded gave the caller nothing.',
    }),
    Health: schemaOf('output', healthAnswer, {
      status: 'Says nothing about services behind this one.',
      version: 'Of this service.',
      configuration:
        'SHA-256 of its configuration with its defaults: the stack’s output `ConfigurationHash`.',
    }),
    Problem: schemaOf('output', problemAnswer, {
      type: 'Of no further meaning; see `code`.',
      title: 'What happened, for a developer.',
      status: 'The HTTP status.',
      code: 'What happened, for a program; never changes its meaning.',
      action: 'What to do about it.',
      request_id: 'As in `X-Request-Id`.',
      detail: 'More for a developer.',
      subject: 'The caller’s own, on a 403: to be sent to support.',
      acr_values: 'With `step_up`: sign in again so that the token’s `acr` is one of these.',
      max_age: 'With `step_up`: sign in again, no longer than these seconds ago.',
    }),
  }
}

type JsonSchema = Record<string, unknown> & { properties: Record<string, object> }

function schemaOf<Shape extends z.core.$ZodShape>(
  io: 'input' | 'output',
  schema: z.ZodMiniObject<Shape>,
  about: Record<keyof Shape & string, string>,
): JsonSchema {
  const { $schema, ...made } = z.toJSONSchema(schema, { io, override: ({ jsonSchema }) => tidy(jsonSchema) })
  const members = Object.entries((made as unknown as JsonSchema).properties)
  const properties = members.map(([name, member]) => [name, { ...member, description: about[name] }])
  return { ...made, properties: Object.fromEntries(properties) }
}

/** A format says what the pattern behind it says, and that an integer is no larger than a computer's goes without saying. */
function tidy(schema: z.core.JSONSchema.BaseSchema): void {
  if (schema.format !== undefined) delete schema.pattern
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum
}
