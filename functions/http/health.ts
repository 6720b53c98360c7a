import { createHash } from 'node:crypto'
import type { Configuration } from '../config.ts'

/** Tells two configurations apart, as `readConfiguration` gives them. It holds no secret. */
export function configurationHash(configuration: Configuration): string {
  return createHash('sha256').update(JSON.stringify(configuration)).digest('hex')
}
