import type { SeamEvent } from '@seamapi/types/connect'

/** An event of Seam's: the members that all have, and those of its type. */
export type LocalEvent = Pick<
  SeamEvent,
  'event_id' | 'event_type' | 'workspace_id' | 'created_at' | 'occurred_at'
> & { [member: string]: unknown }
