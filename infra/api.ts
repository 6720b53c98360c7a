import { Duration, Validations } from 'aws-cdk-lib'
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway'
import {
  CorsHttpMethod,
  HttpApi,
  HttpMethod,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2'
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'

export interface ApiProps {
  /** Exact origins, no wildcard. */
  readonly allowedOrigins: string[]
  readonly requestsPerSecond: number
  /** Answers the callers' routes. */
  readonly vend: IFunction
}

/** The callers' routes, as far as the vend function knows them. */
const vendRoutes: [HttpMethod, string][] = [
  [HttpMethod.POST, '/client-session'],
  [HttpMethod.DELETE, '/client-session'],
  [HttpMethod.GET, '/healthz'],
]

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

  constructor(scope: Construct, id: string, props: ApiProps) {
    super(scope, id)
    this.api = new HttpApi(this, 'HttpApi', {
      description: 'Seam client session tokens for callers of the configured issuers.',
      createDefaultStage: false,
      corsPreflight: {
        allowOrigins: props.allowedOrigins,
        allowMethods: [CorsHttpMethod.POST, CorsHttpMethod.GET, CorsHttpMethod.DELETE],
        allowHeaders: ['authorization', 'content-type'],
        exposeHeaders: ['retry-after', 'x-request-id', 'www-authenticate'],
        allowCredentials: false,
        maxAge: Duration.hours(1),
      },
    })
    this.stage = new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      // A page with many tabs asks in bursts; what passes is bounded by the table's maximum too.
      throttle: { rateLimit: props.requestsPerSecond, burstLimit: 2 * props.requestsPerSecond },
      accessLogSettings: {
        destination: new LogGroupLogDestination(
          new LogGroup(this, 'AccessLog', { retention: RetentionDays.ONE_MONTH }),
        ),
        format: AccessLogFormat.custom(JSON.stringify(accessLog)),
      },
    })

    const integration = new HttpLambdaIntegration('Vend', props.vend)
    for (const [method, path] of vendRoutes) this.api.addRoutes({ path, methods: [method], integration })

    Validations.of(this.api).acknowledge({
      id: 'AwsSolutions-APIG4',
      reason:
        'The vend function verifies bearer tokens itself: an authorizer of the API knows RSA and a single issuer only.',
    })
  }
}
