import * as accounts from './accounts.ts'
import { type Bound, bound, type TableOptions, tableItems } from './items.ts'
import * as runs from './runs.ts'
import * as smallItems from './small-items.ts'
import * as users from './users.ts'
import * as webviews from './webviews.ts'

/** The one table: single-item writes only. */

export type { Settings } from './small-items.ts'

const functions = { ...users, ...accounts, ...webviews, ...runs, ...smallItems }

export type Table = Bound<typeof functions>
export type UserTable = Bound<typeof users>
export type AccountTable = Bound<typeof accounts>
export type RunTable = Bound<typeof runs>

export function vendingTable(options: TableOptions): Table {
  return bound(tableItems(options), functions)
}
