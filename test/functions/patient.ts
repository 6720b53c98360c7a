import { type Times, times } from '../../functions/times.ts'
import { minutes } from './minutes.ts'

/** For tests in which nothing may time out, however busy the machine is: who waits does so until the answer is there. */
export const patient: Times = {
  ...times,
  dynamodb: 2 * minutes,
  keySet: 2 * minutes,
  secrets: 2 * minutes,
  seam: 2 * minutes,
  deleteInEvent: 2 * minutes,
  waiting: 5 * minutes,
  vend: 20 * minutes,
  lease: 30 * minutes,
}
