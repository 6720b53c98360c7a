/** Where a service of AWS is, when nothing unusual is set. PURE. */

export interface AwsService {
  /** In the address, and in the signature. */
  name: string
  /** What stands before the operation in `x-amz-target`. */
  target: string
  contentType: string
  /** The variable that names another address for it. */
  endpointVariable:
    | 'AWS_ENDPOINT_URL_DYNAMODB'
    | 'AWS_ENDPOINT_URL_SECRETS_MANAGER'
    | 'AWS_ENDPOINT_URL_CLOUDTRAIL'
}

/**
 * Each of these changes where the SDK sends a request, as whom, or how it signs. Set to anything, `false` included, it
 * leaves everything to the SDK, which knows the rules.
 */
const unusualSettings = [
  'AWS_ENDPOINT_URL',
  'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
  'AWS_USE_FIPS_ENDPOINT',
  'AWS_USE_DUALSTACK_ENDPOINT',
  'AWS_PROFILE',
  'AWS_CONFIG_FILE',
  'AWS_SHARED_CREDENTIALS_FILE',
  'AWS_ACCOUNT_ID',
  'AWS_ACCOUNT_ID_ENDPOINT_MODE',
  'AWS_CREDENTIAL_SCOPE',
  'AWS_AUTH_SCHEME_PREFERENCE',
  'AWS_SIGV4A_SIGNING_REGION_SET',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
] as const

/** What Lambda sets, and what a person may. Read when used: an entry hands in its whole environment. */
export type AwsEnvironment = {
  readonly [name in
    | (typeof unusualSettings)[number]
    | AwsService['endpointVariable']
    | 'AWS_REGION'
    | 'AWS_ACCESS_KEY_ID'
    | 'AWS_SECRET_ACCESS_KEY'
    | 'AWS_SESSION_TOKEN']?: string | undefined
}

/** Regions of the commercial partition, whose addresses have one shape; a test holds it against the SDK's own rules. */
const commercialRegion = /^(af|ap|ca|eu|il|me|mx|sa|us)-[a-z]+-\d$/

/** Undefined: the SDK must find out. */
export function endpointOf(service: AwsService, environment: AwsEnvironment): URL | undefined {
  const { AWS_REGION = '', AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = environment
  if (unusualSettings.some((name) => environment[name] !== undefined)) return undefined
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY || !commercialRegion.test(AWS_REGION)) return undefined
  const own = environment[service.endpointVariable]
  const url = URL.parse(own ?? `https://${service.name}.${AWS_REGION}.amazonaws.com`)
  const isBareOrigin = url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`
  return isBareOrigin ? url : undefined
}
