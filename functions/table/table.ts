import * as accounts from './accounts.ts'
import { type Bound, bound, tableItems } from './items.ts'
import * as runs from './runs.ts'
import * as smallItems from './small-items.ts'
import * as users from './users.ts'
import * as webviews from './webviews.ts'

/** The one table: single-item writes only. */

const functions = { ...users, ...accounts, ...webviews, ...runs, ...smallItems }

export type Table = Bound<typeof functions>
export type UserTable = Bound<typeof users>
export type AccountTable = Bound<typeof accounts>
export type RunTable = Bound<typeof runs>

export function vendingTable(options: Parameters<typeof tableItems>[0]): Table {
  return bound(tableItems(options), functions)
}
