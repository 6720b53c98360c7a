/**
 * The AWS SDK's clients have a `runtimeConfig` per platform (Node, browser, React Native). This is Lambda's: region,
 * credentials and endpoint are in the environment, so the code that looks for them in files, in other services and
 * in a rule set of every partition's endpoints stays out. FIPS, dual stack and adaptive retries go with it.
 * The bundler puts this text in the place of each client's own file, where these imports lead to its neighbours.
 */
import { Hash } from '@smithy/hash-node'
import { NodeHttpHandler, streamCollector } from '@smithy/node-http-handler'
import { calculateBodyLength } from '@smithy/util-body-length-node'
import { getRuntimeConfig as getSharedRuntimeConfig } from './runtimeConfig.shared'

export function getRuntimeConfig(config) {
  const shared = getSharedRuntimeConfig(config)
  const { AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env
  return {
    ...shared,
    ...config,
    runtime: 'node',
    region: AWS_REGION,
    // Lambda renews them only with a new environment, so reading them once is enough.
    credentialDefaultProvider: () => async () => ({
      accessKeyId: AWS_ACCESS_KEY_ID,
      secretAccessKey: AWS_SECRET_ACCESS_KEY,
      sessionToken: AWS_SESSION_TOKEN,
    }),
    endpointProvider: ({ Region, Endpoint }) => ({
      url: new URL(
        Endpoint ?? `https://${shared.serviceId.toLowerCase().replaceAll(' ', '')}.${suffix(Region)}`,
      ),
    }),
    requestHandler: NodeHttpHandler.create(config.requestHandler),
    maxAttempts: config.maxAttempts ?? 3,
    retryMode: 'standard',
    sha256: Hash.bind(null, 'sha256'),
    bodyLengthChecker: calculateBodyLength,
    streamCollector,
  }
}

const suffix = (region) => `${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
