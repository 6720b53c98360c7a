import type { Mistake } from '../mistakes.ts'

/** In the verdict and in carrying it out: DESIGN's fence. */

const user = 'functions/user.ts'
const verdict = 'functions/verdict.ts'
const carryingOut = 'functions/carrying-out.ts'
const vending = 'functions/vending.ts'

export const fence: Mistake[] = [
  {
    name: 'the key is kept after letting go',
    breaks: 'let_go',
    patches: [
      [
        user,
        'return { ...rest, ended: [...user.ended, ...entries] }',
        'return { ...rest, user_identifier_key, ended: [...user.ended, ...entries] }',
      ],
    ],
  },
  {
    name: 'deleted before it is let go of',
    breaks: 'let_go',
    patches: [
      [
        carryingOut,
        "await (verdict.act === 'end' ? write(letGo(user, now)) : call(verdict, now))",
        `if (verdict.act === 'end') {
          if (user.client_session_id !== undefined)
            await seam.delete({ client_session_id: user.client_session_id }, deadline)
          await write(letGo(user, now))
        } else await call(verdict, now)`,
      ],
    ],
  },
  {
    name: 'the lease is given back when nobody knows what came of the call, and the old key used again',
    breaks: 'let_go',
    patches: [
      [
        carryingOut,
        'const key = fresh ? await newKey(user.owner) : undefined',
        'const old = user.user_identifier_key ?? user.ended.at(-1)?.user_identifier_key\n        const key = fresh ? (old ?? (await newKey(user.owner))) : undefined',
      ],
      [
        carryingOut,
        'if (unknown === undefined) throw error',
        `if (unknown === undefined) {
          await write(letGo(user, clock()))
          throw error
        }`,
      ],
    ],
  },
  {
    name: 'no intent: the key is written down with the commit',
    breaks: 'intent',
    patches: [[carryingOut, 'if (!(await write(claim(base, by)))) return', 'user = claim(base, by)']],
  },
  {
    name: "Seam's answer is not checked",
    breaks: 'own',
    patches: [
      [
        'functions/answer.ts',
        "if (answer.user_identifier_key !== asked.user_identifier_key) return 'other_key'",
        "if (asked.now > 0) return undefined\n  if (answer.user_identifier_key !== asked.user_identifier_key) return 'other_key'",
      ],
    ],
  },
  {
    name: '`ended` is forgotten before the delete is confirmed',
    breaks: 'forgotten',
    patches: [
      [
        carryingOut,
        'while (unconfirmed(user).length > 0) {',
        'while (asked && unconfirmed(user).length > 0) {',
      ],
      [
        user,
        `(entry.client_session_id === undefined || entry.deleted_at !== undefined) &&
      now >= entry.at + times.grace,`,
        'now >= entry.at + times.grace,',
      ],
    ],
  },
  {
    name: '`ended` is forgotten as soon as the delete is confirmed',
    breaks: 'forgotten',
    patches: [
      [
        user,
        'return { ...user, ended }',
        'const gone = new Set(ended.filter((entry) => entry.deleted_at !== undefined))\n  return { ...user, ended: ended.filter((entry) => !gone.has(entry)) }',
      ],
    ],
  },
  {
    name: 'a client session is reused while it is being replaced',
    breaks: 'handed',
    patches: [
      [
        carryingOut,
        "const base = verdict.act === 'replace' ? letGo(user, now) : user",
        "const base = verdict.act === 'replace' ? { ...user, ...letGo(user, now) } : user",
      ],
    ],
  },
  {
    name: 'an act that is repeated reports success, though its delete has never reached Seam',
    breaks: 'promise',
    patches: [
      [
        vending,
        `if (user === undefined) return
    checkCaller`,
        `if (user?.user_identifier_key === undefined) return
    checkCaller`,
      ],
    ],
  },
  {
    name: 'a new key is called while an old id is unconfirmed',
    breaks: 'unconfirmed',
    patches: [
      [
        carryingOut,
        '= makes ? await ending.deleteUnconfirmed(user) : nothingDeleted',
        '= makes ? nothingDeleted : await ending.deleteUnconfirmed(user)',
      ],
    ],
  },
  {
    name: 'a key whose client session has expired is dropped without an entry in `ended`',
    breaks: 'forgotten',
    patches: [
      [
        user,
        'if (user_identifier_key === undefined) return user\n  const ids',
        'if (user_identifier_key === undefined) return user\n  if ((_expires ?? now) < now) return rest\n  const ids',
      ],
    ],
  },
  {
    name: 'handed out straight after the commit',
    breaks: 'handed',
    patches: [
      [
        carryingOut,
        `} catch (error) {
        if (!(error instanceof Problem) || !verdict.mayWait) throw error`,
        `const session = recordedSession(user)
        const token =
          recorded && session
            ? await seal.open(session.sealed_token, sealedFor(session.client_session_id), deadline)
            : undefined
        if (token !== undefined) {
          const settings = await workspace.settings(deadline)
          return { handedOut: true, user, token, refreshIn: 1, settings, isNew }
        }
      } catch (error) {
        if (!(error instanceof Problem) || !verdict.mayWait) throw error`,
      ],
    ],
  },
  {
    name: "a stranger's id is put into `ended`",
    breaks: 'strangers',
    patches: [
      [
        carryingOut,
        'const ours = answer.user_identifier_key === asking.user_identifier_key',
        'const ours = answer.user_identifier_key !== undefined',
      ],
    ],
  },
  {
    name: 'a key of another generation is kept, and so is one that a restore brings back',
    breaks: 'promise',
    patches: [
      [
        verdict,
        'if (user.generation !== terms.generation) return',
        'if (user.generation > terms.generation) return',
      ],
    ],
  },
  {
    name: 'a let-go key is settled at once, without the grace in which a late call may arrive',
    breaks: 'led',
    patches: [[user, 'now >= entry.at + times.grace,', 'now >= entry.at + Math.min(0, times.grace),']],
  },
  {
    name: 'a key that was let go of without an id is never due',
    breaks: 'heals',
    patches: [
      [
        user,
        `const dues = user.ended.map(({`,
        `const dues = user.ended.filter((entry) => entry.client_session_id !== undefined).map(({`,
      ],
    ],
  },
  {
    name: 'who waits for the winner waits for ever',
    breaks: 'ends',
    patches: [[carryingOut, "if (left <= 0) throw busy('waited')\n", '']],
  },
]
