import * as z from 'zod/v4-mini'

/**
 * What Seam's documentation leaves open, so that every answer can be tried. The probe against a sandbox workspace
 * tells which one is true; until then the functions must be right under all of them.
 */
export const readingsSchema = z.object({
  /** What `get_or_create` does to the `connected_account_ids` of a client session that exists. */
  get_or_create: z.enum(['replaces', 'merges']),
  /** What `get_or_create` does under the key of a deleted, revoked or expired client session. */
  dead_sessions: z.enum(['stay_dead', 'are_revived']),
  /** How a call is refused that names a connected account the workspace does not have. */
  unknown_account: z.literal([400, 404]),
  /** Whether `list` also shows expired and revoked client sessions; deleted ones it never shows. */
  list: z.enum(['live', 'with_dead']),
  /**
   * Whether the account of a Connect Webview that a client session made is in that client session's reach at once.
   */
  completed_webview: z.enum(['joins_session', 'stays_out']),
})

export type Readings = z.infer<typeof readingsSchema>

export const plainReadings: Readings = {
  get_or_create: 'replaces',
  dead_sessions: 'stay_dead',
  unknown_account: 400,
  list: 'live',
  completed_webview: 'joins_session',
}
