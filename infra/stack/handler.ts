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
import type { Entries, Entry } from './bundle.ts'
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

export interface HandlerProps<E extends Entry> extends HandlerDeps {
  readonly entry: E
  readonly description: string
  /** Names and ARNs, never a secret. One that is missing or misspelt does not compile. */
  readonly environment: Record<keyof Entries[E] & string, string>
  /** Milliseconds; rounded up to seconds. */
  readonly timeout: number
  /** MB; CPU comes in proportion. */
  readonly memory: number
  /** @default 30 days */
  readonly logRetention?: RetentionDays
  /** Absent: unreserved. In a new account, whose quota may be 10, any reservation fails the deployment. */
  readonly reservedConcurrency?: number | undefined
}

/** One entry of `functions/` as a Lambda function, with a role of its own: its log, its items and its secrets. */
export class Handler<E extends Entry> extends Construct {
  readonly lambda: LambdaFunction
  /** Hand-written: no managed policy. */
  readonly role: Role
  readonly logGroup: LogGroup

  constructor(scope: Construct, id: string, props: HandlerProps<E>) {
    super(scope, id)
    const { entry, configuration, encryptionKey } = props

    this.logGroup = new LogGroup(this, 'Log', {
      retention: props.logRetention ?? RetentionDays.ONE_MONTH,
      ...(encryptionKey && { encryptionKey }),
    })
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    this.logGroup.grantWrite(this.role)
    props.table.grant(this.role, entry)
    props.secrets.grantRead(this.role, entry)
    // What the table and the secrets do with it on behalf of who asks them.
    encryptionKey?.grant(this.role, 'kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey')

    this.lambda = new LambdaFunction(this, 'Function', {
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: `${entry}.handler`,
      code: bundledCode(entry, configuration),
      environment: { ...props.environment },
      timeout: Duration.seconds(Math.ceil(props.timeout / 1000)),
      memorySize: props.memory,
      role: this.role,
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
