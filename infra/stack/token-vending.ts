import { Annotations, CfnOutput, CfnRule, Fn, Stack, Tags } from 'aws-cdk-lib'
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import { Construct } from 'constructs'
import {
  type Configuration,
  ConfigurationError,
  type ConfigurationInput,
  configurationWarnings,
  readConfiguration,
} from '../../functions/config.ts'
import { configurationHash } from '../../functions/http/health.ts'
import type { Entry } from '../../functions/table/keys.ts'
import { times } from '../../functions/times.ts'
import { Api, type ApiDomain } from './api.ts'
import { Cleaning } from './cleaning.ts'
import { exampleIssuerFault } from './example-issuer.ts'
import { Handler } from './handler.ts'
import { laterOutputs, outputs, type StackOutputs } from './outputs.ts'
import { currentCommit, packageVersion, settingsOf } from './release.ts'
import { Secrets } from './secrets.ts'
import { VendingTable } from './vending-table.ts'
import { Watching } from './watching.ts'

export interface TokenVendingProps {
  /** As `tokenVending` in token-vending.json: defaults may be left out. */
  readonly configuration: ConfigurationInput
  /**
   * Whether pages on this developer's machine (`http://localhost:…`) may be among the allowed origins.
   * @default false
   */
  readonly allowLocalOrigins?: boolean
  /**
   * A secret that already holds the Seam API key as plain text, with its six random characters at the end.
   * @default one is made, for `npm run setup` to fill in
   */
  readonly seamApiKeySecretArn?: string
  /**
   * Environments set aside for, and the most there may be of, the vend function. A new account's quota may be 10,
   * and then any reservation fails the deployment.
   * @default none; the stage throttle is the brake
   */
  readonly vendConcurrency?: number
  /**
   * Gets an e-mail for each alarm; AWS asks that address once whether it wants to.
   * @default nobody, until something subscribes to `watching.topic`
   */
  readonly alarmEmail?: string
  /**
   * Whether to make a CloudWatch dashboard, which costs 3 USD a month.
   * @default false
   */
  readonly dashboard?: boolean
  /**
   * The key of KMS that the secret of `seamApiKeySecretArn` is encrypted with.
   * @default AWS's own
   */
  readonly seamApiKeySecretKeyArn?: string
  /**
   * A name of one's own for the API, beside the generated one.
   * @default none
   */
  readonly domain?: ApiDomain
  /**
   * What an earlier stack has left when it was deleted. Its audit log groups are read by `who`.
   * @default everything is new
   */
  readonly existing?: {
    readonly tableArn?: string | undefined
    readonly sealingKeySecretArn?: string | undefined
    readonly auditLogGroups?: string[] | undefined
  }
  /**
   * A key of KMS for table, secrets and log groups. Its policy must allow the log groups of the region.
   * @default AWS's own keys
   */
  readonly encryptionKeyArn?: string
  /**
   * Request units a second that the table may be asked for at most.
   * @default twenty for each request that the API lets through, and no more than AWS's default quota, 40,000
   */
  readonly tableUnits?: number
}

/**
 * The whole vending machine: an HTTP API, the functions behind it, the table and the secrets.
 * Throws `ConfigurationError` with a sentence that says what to change when the configuration is insecure or cannot work.
 * Install what `npm pack` makes, beside `aws-cdk-lib` and `constructs`; compile with `skipLibCheck`, as `cdk init` does.
 *
 * @example In a CDK app of your own
 * import { App, Stack } from 'aws-cdk-lib'
 * import { AccountRootPrincipal, Role } from 'aws-cdk-lib/aws-iam'
 * import { TokenVending } from 'seam-token-vending'
 *
 * const stack = new Stack(new App(), 'doors')
 * const vending = new TokenVending(stack, 'TokenVending', {
 *   configuration: {
 *     deployment: 'prod',
 *     issuers: [
 *       { name: 'auth0', issuer: 'https://acme.eu.auth0.com/', audiences: ['https://doors.acme.example'] },
 *     ],
 *     allowedOrigins: ['https://app.acme.example'],
 *   },
 * })
 * vending.grantAdmin(new Role(stack, 'Backend', { assumedBy: new AccountRootPrincipal() }))
 */
export class TokenVending extends Construct {
  /** With its defaults. */
  readonly configuration: Configuration
  readonly api: Api
  readonly functions: Readonly<Record<Entry, Handler>>
  readonly cleaning: Cleaning
  readonly watching: Watching

  // biome-ignore lint/complexity/noExcessiveLinesPerFunction: a construct's parts in reading order.
  constructor(scope: Construct, id: string, props: TokenVendingProps) {
    super(scope, id)
    const configuration = readConfiguration(props.configuration)
    refuseLocalOrigins(configuration, props.allowLocalOrigins ?? false)
    this.configuration = configuration
    for (const [index, warning] of configurationWarnings(configuration).entries())
      Annotations.of(this).addWarningV2(`seam-token-vending:configuration-${index}`, warning)
    const { requestsPerSecond } = configuration.limits

    const { existing = {}, encryptionKeyArn } = props
    const encryptionKey =
      encryptionKeyArn === undefined ? undefined : Key.fromKeyArn(this, 'Key', encryptionKeyArn)
    const common = { ...props, ...existing, requestsPerSecond, encryptionKey }
    const table = new VendingTable(this, 'Records', common)
    const secrets = new Secrets(this, 'Secrets', common)
    const deps = { configuration, table, secrets, encryptionKey }
    const vend = new Handler(this, 'Vend', {
      ...deps,
      entry: 'vend',
      reservedConcurrency: props.vendConcurrency,
    })
    const connect = new Handler(this, 'Connect', { ...deps, entry: 'connect' })
    const webhook = new Handler(this, 'Webhook', { ...deps, entry: 'webhook' })
    const identityEvents = new Handler(this, 'IdentityEvents', { ...deps, entry: 'identity-events' })
    this.cleaning = new Cleaning(this, 'Cleaning', deps)
    const admin = new Handler(this, 'Admin', { ...deps, entry: 'admin', timeout: times.admin + 5000 })
    const answering = { vend, connect, webhook, 'identity-events': identityEvents }
    this.functions = { ...answering, cleanup: this.cleaning.handler, admin }
    /** Whose logs say who was given what. */
    const audited = [admin, webhook, connect, identityEvents]

    const { allowedOrigins } = configuration
    this.api = new Api(this, 'Api', { ...common, allowedOrigins, functions: answering })
    const { api, functions } = this
    this.watching = new Watching(this, 'Watching', { ...props, configuration, api, functions })

    Tags.of(this).add('app', 'seam-token-vending')
    Tags.of(this).add('deployment', configuration.deployment)
    this.refuseToDeployTheExample()
    const release = {
      Version: packageVersion(),
      Commit: currentCommit(),
      ConfigurationHash: configurationHash(configuration),
    }
    this.addMetadata(release)
    this.addOutputs({
      Endpoint: this.api.endpoint,
      Next: `npm run setup -- --stack ${Stack.of(this).stackName}`,
      AdminFunction: admin.lambda.functionName,
      CleanupFunction: this.cleaning.handler.lambda.functionName,
      AuditLogGroups: Fn.join(',', [
        ...audited.map(({ logGroup }) => logGroup.logGroupName),
        ...(existing.auditLogGroups ?? []),
      ]),
      Table: table.table.tableName,
      SeamEndpoint: configuration.seamEndpoint,
      SeamApiKeySecret: secrets.seamApiKey.secretArn,
      WebhookSecretsSecret: secrets.webhookSecrets.secretArn,
      SealingKeySecret: secrets.sealingKey.secretArn,
      AlarmTopic: this.watching.topic.topicArn,
      ...release,
      ...(this.api.domainName && {
        RegionalDomainName: this.api.domainName.regionalDomainName,
        RegionalHostedZoneId: this.api.domainName.regionalHostedZoneId,
      }),
    })
  }

  /** Lets a backend, a role or a person use every command of the operator. */
  grantAdmin(grantee: IGrantable): Grant {
    return this.functions.admin.lambda.grantInvokeLatestVersion(grantee)
  }

  /** Synthesis passes on a bare checkout; CloudFormation refuses the template before it makes anything. */
  private refuseToDeployTheExample(): void {
    const fault = exampleIssuerFault(this.configuration)
    if (fault === undefined) return
    new CfnRule(this, 'ExampleIssuer', {
      assertions: [{ assert: Fn.conditionEquals('example', 'your own'), assertDescription: fault }],
    })
  }

  /** Outputs of the stack, see `outputs.ts`: the operator's commands find everything else by them. */
  private addOutputs(values: StackOutputs): void {
    const descriptions: Record<string, string> = { ...outputs, ...laterOutputs }
    for (const [name, value] of Object.entries(values))
      new CfnOutput(this, name, { description: descriptions[name], value })
  }

  /** Where `cdk diff` shows what changes, setting by setting; the functions have it in their code. */
  private addMetadata(release: object): void {
    const stack = Stack.of(this)
    const path = this.node.path.slice(stack.node.path.length + 1)
    const settings = { ...settingsOf(release, `${path} `), ...settingsOf(this.configuration, `${path}.`) }
    for (const [name, value] of Object.entries(settings)) stack.addMetadata(name, value)
  }
}

function refuseLocalOrigins({ allowedOrigins }: Configuration, allowed: boolean): void {
  const faults = allowedOrigins.flatMap((origin, i) =>
    origin.startsWith('http:') && !allowed
      ? `tokenVending.allowedOrigins[${i}]: ${origin} is a page on one machine; remove it, or set allowLocalOrigins for a stage of developers`
      : [],
  )
  if (faults.length > 0) throw new ConfigurationError(faults.join('\n'))
}
