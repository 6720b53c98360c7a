import { readSecretLine } from '../asking.ts'
import { command } from '../command.ts'
import { type ExitCode, exitCodes, UsageError } from '../errors.ts'
import { counted, shellQuoted } from '../print.ts'
import type { Tool } from '../tool.ts'
import { changed, oneSubject, subjectWord } from './users.ts'

/** What users hold at Seam, and how to end it. */

export const sessionCommands = {
  sessions: command({
    about: 'show what Seam itself has of a user’s client sessions',
    words: subjectWord,
    examples: [`sessions 'main|ada'`],
    async run(tool, [subject = '']) {
      const { client_sessions } = await tool.callAdmin('sessions', { subject })
      return tool.list(
        client_sessions,
        ['client_session_id', 'state', 'created_at', 'expires_at', 'connected_account_ids', 'token_sha256'],
        `${counted(client_sessions.length, 'client session')} at Seam.`,
      )
    },
  }),
  'end-session': command({
    about: 'end a user’s client sessions, or that of a client session token on standard input',
    words: { '[subject]': 'whose sessions; or give --token -' },
    options: { token: { value: '<->', about: 'read the client session token from standard input' } },
    examples: [`end-session 'main|ada'`, 'end-session --token - < found-token.txt'],
    async run(tool, [subject], { token }) {
      if ((subject === undefined) === (token === undefined))
        throw new UsageError('Give either a subject, or --token - and the token on standard input.')
      return subject === undefined
        ? endFoundToken(tool)
        : changed(tool, 'recorded', tool.callAdmin('end_session', { subject }))
    },
  }),
  'sign-out-everywhere': oneSubject(
    'sign_out_everywhere',
    'signed out everywhere',
    'refuse the bearer tokens issued to a user so far, and end all client sessions',
  ),
  orphans: command({
    about: 'show our client sessions that no record names, after a restore',
    options: { delete: { about: 'also delete those seen an hour ago' } },
    examples: ['orphans', 'orphans --delete'],
    async run(tool, _, options) {
      const { orphans, looked_at } = await tool.callAdmin('orphans', { delete: options.delete ?? false })
      await tool.list(
        orphans,
        ['client_session_id', 'owner', 'created_at', 'expires_at', 'first_seen_at', 'state'],
        `${counted(orphans.length, 'orphan')} among ${counted(looked_at, 'client session')} under our prefix.`,
      )
      if (orphans.some(({ state }) => state === 'just_seen'))
        tool.note('Those just seen may be deleted an hour later: run `orphans --delete` then.')
      return orphans.some(({ state }) => state === 'not_deleted') ? exitCodes.unavailable : exitCodes.done
    },
  }),
}

async function endFoundToken(tool: Tool): Promise<ExitCode> {
  const token = await readSecretLine(tool.streams, 'client session token')
  const ended = await tool.callAdmin('end_token', { token })
  const whose = ended.subject === undefined ? 'that no record names' : `of ${shellQuoted(ended.subject)}`
  const session = `The client session ${ended.client_session_id}`
  const sentences = {
    dead: 'Seam does not accept this token any more; there was nothing to end.',
    ended: `${session} ${whose} was ended at Seam; what was made with its token stays.`,
    ending: `${session} ${whose}: Seam could not be told to end it; will be retried, or run this again.`,
    not_ours: `${session} was not made by this service; nothing was done. End it where it was made.`,
  }
  const { done, refused, willBeRetried } = exitCodes
  const codes = { dead: done, ended: done, ending: willBeRetried, not_ours: refused }
  return tool.show(ended, () => sentences[ended.outcome], codes[ended.outcome])
}
