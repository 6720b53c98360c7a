import { expect, test } from 'vitest'
import { playHistories } from '../functions/model/histories.ts'
import { pinned } from '../functions/model/pinned.ts'
import { play } from '../functions/model/play.ts'

/** As many histories as a mutation can wait for. */

test('those that are pinned hold every invariant', async () => {
  for (const { scenario } of pinned()) expect((await play(scenario)).failure).toBeUndefined()
})

test('and so do 100 others', async () => {
  expect((await playHistories({ seed: 1, runs: 100 }, { shrinks: false })).broken).toBeUndefined()
})
