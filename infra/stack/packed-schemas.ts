import type * as z from 'zod/v4-mini'
import { configuration } from '../../functions/config.ts'
import { faultSchema } from '../local/seam/faults.ts'

/** The schemas' types for whoever installs the package, and has no zod: inferred, the compiler writes them out in full. */

declare function input<Schema extends z.ZodMiniType>(schema: Schema): z.input<Schema>
declare function output<Schema extends z.ZodMiniType>(schema: Schema): z.output<Schema>

const written = input(configuration)
const read = output(configuration)
const fault = input(faultSchema)

/** What a user writes: defaults left out. */
export type ConfigurationInput = typeof written
export type Configuration = typeof read
export type Fault = typeof fault
