import { Duration, Validations } from 'aws-cdk-lib'
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway'
import {
  CorsHttpMethod,
  HttpApi,
  type HttpMethod,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2'
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { ConfigurationError } from '../../functions/config.ts'
import { crossOrigin, originFault } from '../../functions/http/addresses.ts'
import { functionOf, type Methods, paths } from '../../functions/http/openapi-paths.ts'

export interface ApiProps {
  /** Exact origins: API Gateway would take a wildcard. Any other throws `ConfigurationError`. */
  readonly allowedOrigins: string[]
  readonly requestsPerSecond: number
  /** Those that answer requests. */
  readonly functions: Record<Answering, IFunction>
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

  constructor(scope: Construct, id: string, props: ApiProps) {
    super(scope, id)
    for (const origin of props.allowedOrigins) {
      const fault = originFault(origin)
      if (fault !== undefined) throw new ConfigurationError(`allowedOrigins: ${fault}`)
    }
    this.api = new HttpApi(this, 'HttpApi', {
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
    this.accessLog = new LogGroup(this, 'AccessLog', { retention: RetentionDays.ONE_MONTH })
    this.stage = new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      // A page with many tabs asks in bursts; what passes is bounded by the table's maximum too.
      throttle: { rateLimit: props.requestsPerSecond, burstLimit: 2 * props.requestsPerSecond },
      accessLogSettings: {
        destination: new LogGroupLogDestination(this.accessLog),
        format: AccessLogFormat.custom(JSON.stringify(accessLog)),
      },
    })

    const integrations = Object.fromEntries(
      Object.entries(props.functions).map(([name, it]) => [name, new HttpLambdaIntegration(name, it)]),
    )
    // Any other request is refused before it costs an invocation.
    for (const [path, methods] of Object.entries<Methods>(paths))
      for (const [method, { tags }] of Object.entries(methods))
        this.api.addRoutes({
          path,
          methods: [method.toUpperCase() as HttpMethod],
          integration: integrations[functionOf[tags[0]]] as HttpLambdaIntegration,
        })

    Validations.of(this.api).acknowledge({
      id: 'AwsSolutions-APIG4',
      reason:
        'The functions verify bearer tokens and webhooks themselves: an authorizer of the API knows RSA and a single issuer only.',
    })
  }
}
