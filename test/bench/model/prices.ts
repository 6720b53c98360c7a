/**
 * What AWS asks for, in USD, list prices of us-east-1 in 2026, without free tiers and discounts. From the pricing pages
 * of API Gateway, Lambda (Arm), DynamoDB (on demand), CloudWatch, EventBridge, Secrets Manager and EC2 (data transfer).
 */
export const prices = {
  /** Per HTTP API request of up to 512 kB, the first 300 million in a month. */
  httpApiRequest: 1.0e-6,
  lambdaRequest: 0.2e-6,
  /** Per GB and second, Arm, the first 7.5 billion in a month. */
  lambdaGbSecond: 0.000_013_333_4,
  /** Per read request unit: 4 kB strongly consistent. */
  readUnit: 0.125e-6,
  /** Per write request unit: 1 kB; each index that changes costs one more per changed entry. */
  writeUnit: 0.625e-6,
  /** Per GB of log taken in, kept for a month. */
  logGb: 0.5 + 0.03,
  /** Per GB to the internet, the first 10 TB in a month. */
  outGb: 0.09,
  /** Per month, each. An alarm costs by the metrics that it looks at. */
  alarmMetric: 0.1,
  secret: 0.4,
  /** The first three of an account cost nothing. */
  dashboard: 3,
  metricSeries: 0.3,
  /** Per start by EventBridge Scheduler; the first 14 million in a month cost nothing. */
  scheduledStart: 1.0e-6,
}

/** AWS's default quotas of an account and region, per second unless said. Most can be raised on request. */
export const quotas = {
  httpApiRequests: 10_000,
  /** Execution environments at one time. */
  lambdaConcurrency: 1000,
  /** A function grows by so many environments in ten seconds. */
  lambdaRamp: 1000,
  /** Synchronous requests per second and environment of the concurrency quota. */
  lambdaRequestsPerConcurrency: 10,
  tableReadUnits: 40_000,
  tableWriteUnits: 40_000,
  /** Of one partition of a table or index. */
  partitionWriteUnits: 1000,
}
