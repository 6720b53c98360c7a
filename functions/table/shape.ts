/** The one table, defined once: the stack and the local engine are both made from this. */
export const tableShape = {
  /** The only key: a string partition key whose prefix says what the item is, so that a role can be limited to prefixes. */
  key: 'item',
  /** Epoch seconds. DynamoDB may delete days late (law 10), so nothing is judged by it. */
  ttl: 'expires',
  /** Keys only and sparse: cleanup costs by what is due, never by how many users there are. */
  due: { name: 'due', partition: 'due_shard', sort: 'due_at', shards: 16 },
} as const
