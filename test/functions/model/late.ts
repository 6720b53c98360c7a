/** Times in a record that a process took, and wrote later. */

/** Where this time stands, as `retired.0.at`. */
export function placesOf(record: object, time: number, path = ''): string[] {
  return Object.entries(record).flatMap(([name, value]) =>
    value === time
      ? [path + name]
      : typeof value === 'object' && value !== null
        ? placesOf(value, time, `${path}${name}.`)
        : [],
  )
}

/** In place: the process that has made the record goes on with it. */
export function redate(record: object, from: number, to: number): void {
  for (const [name, value] of Object.entries(record))
    if (value === from) Object.assign(record, { [name]: to })
    else if (typeof value === 'object' && value !== null) redate(value, from, to)
}
