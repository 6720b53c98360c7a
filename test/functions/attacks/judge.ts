import { ownerOf } from '../../../functions/caller/owner.ts'
import { passed } from '../../leaks.ts'
import { answerFaults } from '../http/answers.ts'
import type { Refuses, Row } from './row.ts'
import { type AttackedWorld, type Door, marker } from './world.ts'

/** What is wrong with the answer to a row, as sentences; none when it is exactly the expected one. */
export interface Verdict {
  /** What a stranger would see. */
  answer: string[]
  /** What we wrote down. */
  log: string[]
}

const namesOfProblem = ['type', 'title', 'status', 'code', 'action', 'request_id']

export async function judge(world: AttackedWorld, door: Door, row: Row): Promise<Verdict> {
  const request = row.request(world)
  const written = world.lines.length
  const response = await world.doors[door](request)
  const text = await response.text()
  const audit = world.log.at(-1)
  const lines = world.lines.slice(written).join('\n')
  const wrong: Verdict = { answer: [], log: [] }
  const say = (it: boolean, sentence: string) => it || wrong.answer.push(sentence)

  if ('vends' in row.answer) {
    say([200, 201].includes(response.status), `${response.status} ${text}`)
    say(text.includes('"token":"seam_cst'), 'no token')
    if (audit?.owner !== ownerOf(row.answer.vends)) wrong.log.push(`owner ${audit?.owner}`)
  } else {
    say(response.status === row.answer.status, `${response.status} ${text}`)
    for (const [name, value] of Object.entries(row.answer.headers ?? {}))
      say(response.headers.get(name) === value, `${name}: ${response.headers.get(name)}`)
    if (row.answer.code !== undefined) judgeProblem(row.answer, response, text, say)
    if (audit?.reason !== row.answer.reason && row.answer.status !== 204)
      wrong.log.push(`reason ${audit?.reason}`)
  }
  const { method = 'POST', path = '/client-session' } = request
  const { status, headers } = response
  const seen = { method, path: path.replace(/[?#].*/, ''), status, headers, text }
  wrong.answer.push(...answerFaults(seen))
  const all = `${text}\n${[...response.headers].join('\n')}`
  say(!all.includes(marker), 'input came back')
  say(response.status < 500 || response.status === 503, 'an error of ours')
  const sent = [request.path ?? '', ...(request.headers ?? []).map(([, value]) => value), request.body ?? '']
  passed(`${sent.join('\n')}\n${text}`)
  const tokens = sent.flatMap((text) => text.match(/[\w-]{40,}/g) ?? [])
  if ([marker, ...tokens].some((input) => lines.includes(input))) wrong.log.push('input was logged')
  return wrong
}

function judgeProblem(
  expected: Refuses,
  response: Response,
  text: string,
  say: (it: boolean, sentence: string) => unknown,
): void {
  const body = parsed(text)
  say(response.headers.get('content-type') === 'application/problem+json', 'no problem')
  say(response.headers.get('cache-control') === 'no-store', 'may be stored')
  say(response.headers.get('vary') === 'Origin', 'does not vary')
  say(body.status === expected.status && body.code === expected.code && body.action === expected.action, text)
  say(body.subject === expected.subject, `subject ${body.subject}`)
  say(body.request_id === response.headers.get('x-request-id'), 'another id')
  const names = Object.keys(body).filter((name) => name !== 'detail' && name !== 'subject')
  say(names.join() === namesOfProblem.join(), `members ${names}`)
  // Every token that is not accepted gets the same answer, whatever was wrong with it.
  if (expected.code === 'invalid_token') say(body.detail === undefined, `tells ${body.detail}`)
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}
