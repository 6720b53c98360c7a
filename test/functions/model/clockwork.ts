/**
 * Virtual time, and the order in which things happen in it. One thing at a time: between two of them every promise
 * that can go on has gone on, up to its next call to an outside world. Nothing here is left to chance, so the same
 * calls with the same delays happen in the same order on every machine.
 */
export interface Clockwork {
  /** True time in milliseconds; processes read it off by their own error. */
  now(): number
  at(time: number, happens: () => void): void
  sleep(ms: number): Promise<void>
  /** Turns until `done`, or nothing is left to happen. */
  turn(done: () => boolean): Promise<void>
}

interface Happening {
  time: number
  order: number
  happens: () => void
}

export function clockwork(start: number): Clockwork {
  let now = start
  let order = 0
  const heap: Happening[] = []

  function at(time: number, happens: () => void): void {
    const happening = { time: time > now ? time : now, order: order++, happens }
    let i = heap.push(happening) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = heap[parent] as Happening
      if (!before(happening, above)) break
      heap[i] = above
      i = parent
    }
    heap[i] = happening
  }

  function next(): Happening | undefined {
    const first = heap[0]
    const last = heap.pop()
    if (heap.length === 0 || last === undefined) return first
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      const right = heap[child + 1]
      if (right !== undefined && before(right, heap[child] as Happening)) child++
      const below = heap[child] as Happening
      if (!before(below, last)) break
      heap[i] = below
      i = child
    }
    heap[i] = last
    return first
  }

  return {
    now: () => now,
    at,
    sleep: (ms) => new Promise((resolve) => at(now + ms, resolve)),
    turn: (done) =>
      new Promise((resolve, reject) => {
        // A tick comes after all microtasks, if it was asked for by one: then everybody waits for something again.
        const drained = () => process.nextTick(step)
        function step(): void {
          try {
            const happening = done() ? undefined : next()
            if (happening === undefined) {
              resolve()
              return
            }
            now = happening.time
            happening.happens()
          } catch (error) {
            reject(error)
            return
          }
          queueMicrotask(drained)
        }
        queueMicrotask(drained)
      }),
  }
}

function before(one: Happening, other: Happening): boolean {
  return one.time < other.time || (one.time === other.time && one.order < other.order)
}
