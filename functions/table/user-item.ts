import { emptyCollections, type User } from '../record/user.ts'
import { dueShard, keys, tableShape } from './keys.ts'
import { attributesFrom, type Item, type Values } from './values.ts'

/** A user's record as an item of the table, and back. PURE. */

/** Empty collections are absent: DynamoDB has no empty set, and most records have few of them. */
export function itemFromUser(user: User): Item {
  const collections = emptyCollections()
  const members = Object.entries(user).filter(
    ([name, value]) => !(name in collections && Object.keys(value).length === 0),
  )
  return attributesFrom({
    [tableShape.key]: keys.user(user.owner),
    ...Object.fromEntries(members),
    // Index writes cost: the shard is in the record only while something is due.
    [tableShape.due.partition]: user.due_at === undefined ? undefined : dueShard(user.owner),
  })
}

/** @throws Error for a record of another format */
export function userFromValues(values: Values): User {
  if (values.schema !== 2)
    throw new Error(
      `a user record has the format ${values.schema}; this version reads 2. In the local world delete the folder .local; a deployed table has no other format`,
    )
  const { [tableShape.key]: _key, [tableShape.due.partition]: _shard, ...members } = values
  return { ...emptyCollections(), ...members } as unknown as User
}
