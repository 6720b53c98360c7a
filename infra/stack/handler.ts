import { execFileSync } from 'node:child_process'
import { extname } from 'node:path'
import { AssetHashType, DockerImage, Duration } from 'aws-cdk-lib'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import {
  ApplicationLogLevel,
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
} from 'aws-cdk-lib/aws-lambda'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import type { Configuration } from '../../functions/config.ts'
import type { Entry } from '../../functions/table/keys.ts'
import { times } from '../../functions/times.ts'
import type { Secrets } from './secrets.ts'
import type { VendingTable } from './vending-table.ts'

// In the package it is JavaScript, and `packed-bundle.ts`.
const bundler = `${import.meta.dirname}/bundle${extname(import.meta.filename)}`

/** What all functions of a stack have in common. */
export interface HandlerDeps {
  readonly configuration: Configuration
  readonly table: VendingTable
  readonly secrets: Secrets
  /** What table, secrets and logs are encrypted with; absent: AWS's own keys. */
  readonly encryptionKey?: IKey | undefined
}

export interface HandlerProps extends HandlerDeps {
  readonly entry: Entry
  /** Milliseconds; rounded up to seconds. */
  readonly timeout?: number
  /** Absent: unreserved. In a new account, whose quota may be 10, any reservation fails the deployment. */
  readonly reservedConcurrency?: number | undefined
}

/**
 * Milliseconds. A function answers with a timeout of its own at `vend`; Lambda's comes after that, and before the end of
 * the lease (law 12).
 */
const requestTimeout = (times.vend + times.lease) / 2

const descriptions: Record<Entry, string> = {
  vend: 'Bearer token in, client session token out.',
  connect: 'Connect Webviews for callers, and how they go.',
  webhook: 'What Seam tells: logins in Connect Webviews, and accounts that are gone.',
  'identity-events': 'What identity providers tell: who has signed out, or is disabled or deleted.',
  cleanup: 'Ends stale client sessions.',
  admin: 'The operator’s commands; a role that may invoke it may use all of them.',
}

/**
 * Where a caller waits. Measured: more memory does not make a warm call faster, but the CPU that comes with it makes a
 * first one so; above this the gain is small.
 */
const quick: Entry[] = ['vend', 'connect', 'identity-events']
const memory = { quick: 1024, usual: 512 } // MB.

/** Who was given what, by whom and when, with subjects in clear: few people should read such a log group. */
const audited: Entry[] = ['connect', 'webhook', 'identity-events', 'admin']

/** One entry of `functions/` as a Lambda function, with a role of its own: its log, its items and its secrets. */
export class Handler extends Construct {
  readonly lambda: LambdaFunction
  readonly logGroup: LogGroup

  constructor(scope: Construct, id: string, props: HandlerProps) {
    super(scope, id)
    const { entry, configuration, table, secrets, encryptionKey, timeout = requestTimeout } = props

    const retention = audited.includes(entry) ? RetentionDays.THIRTEEN_MONTHS : RetentionDays.ONE_MONTH
    this.logGroup = new LogGroup(this, 'Log', { retention, encryptionKey })
    // Hand-written: no managed policy.
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    this.logGroup.grantWrite(role)
    table.grant(role, entry)
    secrets.grantRead(role, entry)
    // What the table and the secrets do with it on behalf of who asks them.
    encryptionKey?.grant(role, 'kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey')

    this.lambda = new LambdaFunction(this, 'Function', {
      description: descriptions[entry],
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: `${entry}.handler`,
      code: bundledCode(entry, configuration),
      environment: { TABLE_NAME: table.table.tableName, ...secrets.arnsFor(entry) },
      timeout: Duration.seconds(Math.ceil(timeout / 1000)),
      memorySize: quick.includes(entry) ? memory.quick : memory.usual,
      role,
      logGroup: this.logGroup,
      loggingFormat: LoggingFormat.JSON,
      applicationLogLevelV2: ApplicationLogLevel.INFO,
      // Lambda's own three lines per request cost ten times what computing does.
      systemLogLevelV2: SystemLogLevel.WARN,
      reservedConcurrentExecutions: props.reservedConcurrency,
    })
  }
}

function bundledCode(entry: Entry, configuration: Configuration): Code {
  const input = JSON.stringify(configuration)
  return Code.fromAsset(import.meta.dirname, {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // Neither is ever run, the bundle is made on this machine. But by the command CDK tells two bundles of one
      // folder apart: without it every function would get the first one's.
      image: DockerImage.fromRegistry('none'),
      command: [entry, input],
      local: {
        tryBundle(folder) {
          execFileSync(process.execPath, [bundler, entry, folder], {
            input,
            stdio: ['pipe', 'inherit', 'inherit'],
          })
          return true
        },
      },
    },
  })
}
