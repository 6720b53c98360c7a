import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch'

export interface Rule {
  /** For the person who is woken by it; infra/OPERATING.md says more. */
  readonly means: string
  readonly todo: string
  /** It rings at this many in its period; by default at one. */
  readonly atLeast?: number
  /** It rings when there are more. */
  readonly moreThan?: number
  /** It rings when there is none. */
  readonly atMost?: number
}

/** Each of these is an alarm; `watching.ts` says what it watches. */
export const rules = {
  ServerErrors: {
    atLeast: 5,
    means: 'Callers got 5 or more 5xx answers within 5 minutes.',
    todo: 'See which Outage rings with it, and follow that; if none, look at Crashes and Faults.',
  },
  'Outage-seam': {
    atLeast: 5,
    means:
      'Seam is down or slow, or refuses the API key. Live client sessions are handed out as before, new ones are not.',
    todo: 'Look at Seam’s status; `npm run doctor` says whether the key is still accepted. Otherwise wait.',
  },
  'Outage-dynamodb': {
    atLeast: 5,
    means: 'The table throttles or does not answer: nobody gets a token.',
    todo: 'If Throttles rings too, raise `limits.requestsPerSecond`; else look at the AWS health dashboard.',
  },
  'Outage-issuer': {
    atLeast: 5,
    means:
      'The keys of an identity provider are unavailable, and no good ones are cached: its users are refused.',
    todo: 'Look at its status; `npm run doctor` asks each issuer.',
  },
  'Outage-secrets': {
    atLeast: 5,
    means: 'Secrets Manager does not answer, or a secret has no value yet.',
    todo: '`npm run setup` fills them in; then look at the AWS health dashboard.',
  },
  Faults: {
    means:
      'An error of our own (`internal`), a caller’s record was made by another issuer (`record_of_another_issuer`), or Seam does not know a user’s identity (`unknown_identity`).',
    todo: 'Read the audit line; after a change of issuers, give the new one the old `subjectNamespace`; correct an identity with `set-identity`.',
  },
  WrongAnswers: {
    means: 'Seam’s answer was not what we asked for; nothing of it was handed out.',
    todo: '`wrong_answers` in the audit line says what differed: write to Seam with the time.',
  },
  StaleKeys: {
    means:
      'An issuer’s keys could not be confirmed for 10 minutes or more; the last good ones work for 24 hours.',
    todo: 'Look at the identity provider’s status; `npm run doctor` asks each issuer.',
  },
  SdkFallbacks: {
    moreThan: 1,
    means:
      'More than 1 % of the requests needed the AWS SDK: they were slow. The table or Secrets Manager drops connections or refuses.',
    todo: '`sdk_why` in the audit line says why; `setting` is an environment variable of the function.',
  },
  UnreadableTokens: {
    atLeast: 5,
    means: '5 or more sealed tokens could not be opened; their client sessions were replaced.',
    todo: 'Was the sealing key changed by hand? Put the one before into `previous` of its secret.',
  },
  CleanupAlarms: {
    means:
      'Cleanup failed, gave up on a user, cannot delete many client sessions of one user, found another workspace behind the API key, or its fuse has blown.',
    todo: '`alarms` in its report says which; `npm run cleanup` with --dry-run shows what it would do.',
  },
  CleanupSilent: {
    atMost: 0,
    means: 'Cleanup has not run for 15 minutes, or three times its schedule: stale client sessions stay.',
    todo: 'Is the schedule enabled? `npm run cleanup` runs it once.',
  },
  DeadLetters: {
    means: 'A run of cleanup crashed, timed out or could not be started; the next run does its work.',
    todo: 'Read the cleanup function’s log, then purge the queue of dead letters, or this keeps ringing.',
  },
  Crashes: {
    means: 'A function crashed or timed out; the next request or cleanup finishes what it did.',
    todo: 'Read its log. Do not raise the timeout: it must end before the lease.',
  },
  Throttles: {
    means: 'Lambda or DynamoDB refused requests; callers were told to retry.',
    todo: 'Ask AWS for more Lambda concurrency, or raise `limits.requestsPerSecond`, from which the table’s maximum follows.',
  },
} satisfies Record<string, Rule>

/** The metric of each alarm. */
export type Watched = Record<keyof typeof rules, IMetric>
