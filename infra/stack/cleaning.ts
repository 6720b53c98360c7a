import { Duration, Stack, Validations } from 'aws-cdk-lib'
import { type IRole, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations'
import { Schedule, ScheduleExpression, ScheduleTargetInput } from 'aws-cdk-lib/aws-scheduler'
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets'
import { Queue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { cleanupTime, times } from '../../functions/times.ts'
import { Handler, type HandlerDeps } from './handler.ts'

/** A run's own end, in milliseconds before Lambda's: to store the report, and for the start. */
const margin = 10_000

/** The schedule, and the function that ends stale client sessions. It may run at any other time as well. */
export class Cleaning extends Construct {
  readonly handler: Handler
  /** Runs that could not be started, or ended by a crash or at the timeout. */
  readonly deadLetters: Queue

  constructor(scope: Construct, id: string, deps: HandlerDeps) {
    super(scope, id)
    const { everyMinutes } = deps.configuration.cleanup
    const schedule = Duration.minutes(everyMinutes)

    this.handler = new Handler(this, 'Handler', {
      ...deps,
      entry: 'cleanup',
      // Shorter than the schedule (law 12); should two runs meet all the same, a lease in the table tells them apart.
      timeout: cleanupTime(everyMinutes, times) + margin,
    })

    this.deadLetters = new Queue(this, 'DeadLetters', {
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    })
    Validations.of(this.deadLetters).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: 'It is itself the queue for dead letters.',
    })
    // The next run is the retry: it finds what this one left.
    this.handler.lambda.configureAsyncInvoke({
      retryAttempts: 0,
      maxEventAge: schedule,
      onFailure: new SqsDestination(this.deadLetters),
    })
    new Schedule(this, 'Schedule', {
      description: 'Ends stale client sessions.',
      schedule: ScheduleExpression.rate(schedule),
      target: new LambdaInvoke(this.handler.lambda, {
        input: ScheduleTargetInput.fromObject({}),
        retryAttempts: 1,
        maxEventAge: schedule,
        deadLetterQueue: this.deadLetters,
        role: this.scheduler(),
      }),
    })
  }

  /** Hand-written: CDK's own may invoke every version of the function. */
  private scheduler(): IRole {
    const conditions = { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } }
    const assumedBy = new ServicePrincipal('scheduler.amazonaws.com', { conditions })
    const role = new Role(this, 'Scheduler', { assumedBy })
    for (const [action, resource] of [
      ['lambda:InvokeFunction', this.handler.lambda.functionArn],
      ['sqs:SendMessage', this.deadLetters.queueArn],
    ] as const)
      role.addToPolicy(new PolicyStatement({ actions: [action], resources: [resource] }))
    return role.withoutPolicyUpdates()
  }
}
