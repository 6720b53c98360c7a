/**
 * The AWS SDK's clients have a `runtimeConfig` per platform (Node, browser, React Native). This is Lambda's: region,
 * credentials and endpoint are in the environment, so the code that looks for them in files, in other services and
 * in a rule set of every partition's endpoints stays out. FIPS, dual stack and adaptive retries go with it.
 * The bundler puts this text in the place of each client's own file, where these imports lead to its neighbours.
 */
import { Hash } from '@smithy/hash-node'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { getRuntimeConfig as getSharedRuntimeConfig } from './runtimeConfig.shared'

export function getRuntimeConfig(config) {
  const shared = getSharedRuntimeConfig(config)
  const { AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env
  const service = shared.serviceId.toUpperCase().replaceAll(' ', '_')
  const name = service.toLowerCase().replace('_', '')
  const aws = `https://${name}.${AWS_REGION}.${domain(AWS_REGION)}`
  const address = shared.urlParser(process.env[`AWS_ENDPOINT_URL_${service}`] ?? aws)
  // Lambda renews them only with a new environment, so reading them once is enough.
  const credentials = {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    sessionToken: AWS_SESSION_TOKEN,
  }
  return {
    ...shared,
    ...config,
    runtime: 'node',
    region: AWS_REGION,
    credentials,
    endpoint: async () => address,
    requestHandler: NodeHttpHandler.create(config.requestHandler),
    maxAttempts: config.maxAttempts ?? 3,
    cacheMiddleware: true,
    retryMode: 'standard',
    sha256: Hash.bind(null, 'sha256'),
    bodyLengthChecker: Buffer.byteLength,
  }
}

/** The Chinese regions' and the European sovereign cloud's; the rest of the world shares one. */
const domains = { cn: 'amazonaws.com.cn', eusc: 'amazonaws.eu' }
const domain = (region) => domains[region.split('-')[0]] ?? 'amazonaws.com'
