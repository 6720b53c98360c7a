import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib'
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway'
import {
  CorsHttpMethod,
  DomainName,
  HttpApi,
  type HttpMethod,
  HttpStage,
  LogGroupLogDestination,
  SecurityPolicy,
} from 'aws-cdk-lib/aws-apigatewayv2'
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { CfnRecordSet } from 'aws-cdk-lib/aws-route53'
import { Construct } from 'constructs'
import { ConfigurationError } from '../../functions/config.ts'
import { crossOrigin, originFault } from '../../functions/http/addresses.ts'
import { functionOf, type Methods, paths } from '../../functions/http/openapi-paths.ts'

export interface ApiProps {
  /** Exact origins: API Gateway would take a wildcard. Any other throws `ConfigurationError`. */
  readonly allowedOrigins: string[]
  readonly requestsPerSecond: number
  /** Those that answer requests. */
  readonly functions: Record<Answering, { readonly lambda: IFunction }>
  readonly domain?: ApiDomain | undefined
  readonly encryptionKey?: IKey | undefined
}

/** A name of one's own: pages keep their address when the API is made anew. */
export interface ApiDomain {
  readonly name: string
  /** Of ACM, in the region of the stack. */
  readonly certificateArn: string
  /** Absent: its DNS record is made elsewhere, and leads to the outputs `RegionalDomainName` and `RegionalHostedZoneId`. */
  readonly hostedZoneId?: string | undefined
  /**
   * Whether the generated address is switched off: only in a later deployment, when pages and Seam's webhook use the name.
   * @default false
   */
  readonly disableGenerated?: boolean | undefined
}

type Answering = (typeof functionOf)[keyof typeof functionOf]

/** What the access log says: never a header, a query or a path, any of which may carry what a caller should not have sent. */
const accessLog = {
  request_id: '$context.requestId',
  route: '$context.routeKey',
  status: '$context.status',
  source_ip: '$context.identity.sourceIp',
  latency_ms: '$context.responseLatency',
  integration_latency_ms: '$context.integrationLatency',
  integration_status: '$context.integrationStatus',
  error: '$context.error.responseType',
}

/** The front door: an HTTP API that answers preflights itself and throttles the whole stage. */
export class Api extends Construct {
  readonly api: HttpApi
  readonly stage: HttpStage
  readonly accessLog: LogGroup
  /** Where callers find it. CDK's own `url` is a dead one when the generated address is off. */
  readonly endpoint: string
  readonly domainName: DomainName | undefined

  constructor(scope: Construct, id: string, props: ApiProps) {
    super(scope, id)
    for (const origin of props.allowedOrigins) {
      const fault = originFault(origin)
      if (fault !== undefined) throw new ConfigurationError(`allowedOrigins: ${fault}`)
    }
    const { domain } = props
    const { stackName } = Stack.of(this)
    this.api = new HttpApi(this, 'HttpApi', {
      apiName: stackName,
      disableExecuteApiEndpoint: domain?.disableGenerated ?? false,
      description: 'Seam client session tokens for callers of the configured issuers.',
      createDefaultStage: false,
      corsPreflight: {
        allowOrigins: props.allowedOrigins,
        allowMethods: [CorsHttpMethod.POST, CorsHttpMethod.GET, CorsHttpMethod.DELETE],
        ...crossOrigin,
        allowCredentials: false,
        maxAge: Duration.hours(1),
      },
    })
    this.accessLog = new LogGroup(this, 'AccessLog', {
      // Any other name is added to one policy of the account, until that is too long for any deployment.
      logGroupName: `/aws/vendedlogs/${stackName}-access-${this.node.addr.slice(-8)}`,
      retention: RetentionDays.ONE_MONTH,
      // Its name would stop the next deployment after a destroy.
      removalPolicy: RemovalPolicy.DESTROY,
      encryptionKey: props.encryptionKey,
    })
    this.domainName = domain && this.addDomain(domain)
    this.endpoint = domain ? `https://${domain.name}` : this.api.apiEndpoint
    this.stage = new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      ...(this.domainName && { domainMapping: { domainName: this.domainName } }),
      // A page with many tabs asks in bursts; what passes is bounded by the table's maximum too.
      throttle: { rateLimit: props.requestsPerSecond, burstLimit: 2 * props.requestsPerSecond },
      accessLogSettings: {
        destination: new LogGroupLogDestination(this.accessLog),
        format: AccessLogFormat.custom(JSON.stringify(accessLog)),
      },
    })
    this.addRoutes(props.functions)
    Validations.of(this.api).acknowledge({
      id: 'AwsSolutions-APIG4',
      reason:
        'The functions verify bearer tokens and webhooks themselves: an authorizer of the API knows RSA and a single issuer only.',
    })
  }

  private addRoutes(functions: ApiProps['functions']): void {
    const integrations = Object.fromEntries(
      Object.entries(functions).map(([name, { lambda }]) => [name, new HttpLambdaIntegration(name, lambda)]),
    )
    // Any other request is refused before it costs an invocation.
    for (const [path, methods] of Object.entries<Methods>(paths))
      for (const [method, { tags }] of Object.entries(methods))
        this.api.addRoutes({
          path,
          methods: [method.toUpperCase() as HttpMethod],
          integration: integrations[functionOf[tags[0]]] as HttpLambdaIntegration,
        })
  }

  private addDomain({ name, certificateArn, hostedZoneId }: ApiDomain): DomainName {
    const certificate = Certificate.fromCertificateArn(this, 'Certificate', certificateArn)
    const domain = new DomainName(this, 'Domain', {
      domainName: name,
      certificate,
      securityPolicy: SecurityPolicy.TLS_1_2,
    })
    if (hostedZoneId !== undefined)
      new CfnRecordSet(this, 'Record', {
        hostedZoneId,
        name,
        type: 'A',
        aliasTarget: { dnsName: domain.regionalDomainName, hostedZoneId: domain.regionalHostedZoneId },
      })
    return domain
  }
}
