import { expect, test } from 'vitest'
import { newReport } from '../../../functions/cleanup/report.ts'
import { cleaningSchedule } from '../../../infra/local/cleaning.ts'

test('the local world cleans up again and again, until it ends', async () => {
  let runs = 0
  const cleanUp = async () => {
    runs++
    return newReport({ started_at: 0, dry_run: false, all_users: false })
  }
  await new Promise<void>((resolve) => {
    let told = 0
    const schedule = cleaningSchedule(cleanUp, { everyMinutes: 1 / 60_000 }, () => {
      if (++told < 3) return
      void schedule.end()
      resolve()
    })
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(runs).toBe(3)
})

test('a world that ends cuts its cleanup short, and waits until it has given back its lease', async () => {
  const report = newReport({ started_at: 0, dry_run: false, all_users: false })
  let hasTime = () => true
  let finish = () => {}
  const schedule = cleaningSchedule(
    async ({ deadline }) => {
      hasTime = () => deadline.left() > 0
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      return report
    },
    { everyMinutes: 60 },
    () => {},
  )
  const run = schedule.cleanUp({ deadline: { left: () => 1000 } })
  expect(hasTime()).toBe(true)
  let isOver = false
  const ended = schedule.end().then(() => {
    isOver = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect([hasTime(), isOver]).toEqual([false, false])
  finish()
  await Promise.all([ended, run])
})
