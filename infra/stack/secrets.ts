import { RemovalPolicy, Validations } from 'aws-cdk-lib'
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { type CfnSecret, type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { Construct } from 'constructs'
import type { Entry } from './bundle.ts'

export interface SecretsProps {
  /** A secret that already holds the Seam API key, as plain text. Absent: one is made for the operator to fill in. */
  readonly seamApiKeySecretArn?: string
}

/** What must stay secret; none of it is ever in the template or in a function's environment. */
export class Secrets extends Construct {
  readonly seamApiKey: ISecret
  readonly sealingKey: ISecret
  readonly webhookSecrets: ISecret

  constructor(scope: Construct, id: string, { seamApiKeySecretArn }: SecretsProps) {
    super(scope, id)
    this.seamApiKey =
      seamApiKeySecretArn === undefined
        ? emptySecret(this, 'SeamApiKey', 'The Seam API key, as plain text.')
        : Secret.fromSecretCompleteArn(this, 'SeamApiKey', seamApiKeySecretArn)

    this.webhookSecrets = emptySecret(
      this,
      'WebhookSecrets',
      'What Seam’s webhooks are signed with: a JSON list of "whsec_…", so that one can follow another.',
    )

    this.sealingKey = new Secret(this, 'SealingKey', {
      description: 'Seals client session tokens in the table: {"current": "…", "previous": "…"}.',
      generateSecretString: {
        secretStringTemplate: '{}',
        generateStringKey: 'current',
        passwordLength: 64,
        excludePunctuation: true,
      },
      // It opens what is in the table, which stays too.
      removalPolicy: RemovalPolicy.RETAIN,
    })

    Validations.of(this).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        'Seam’s keys and webhooks are rotated by people in its console. The sealing key is replaced on demand: what it seals lives for hours and is worth nothing to who cannot read the table as well.',
    })
  }

  /** Lets a function read what it needs. */
  grantRead(role: IRole, entry: Entry): void {
    role.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ['secretsmanager:GetSecretValue'],
        resources: readers[entry].map((name) => this[name].secretArn),
      }),
    )
  }
}

const readers: Record<Entry, ('seamApiKey' | 'sealingKey' | 'webhookSecrets')[]> = {
  vend: ['seamApiKey', 'sealingKey'],
  // A login widens the live client session of its user.
  connect: ['seamApiKey', 'sealingKey'],
  webhook: ['seamApiKey', 'sealingKey', 'webhookSecrets'],
  // These delete client sessions, and never need their tokens.
  'identity-events': ['seamApiKey'],
  cleanup: ['seamApiKey'],
  admin: ['seamApiKey', 'sealingKey'],
}

/** Without a value until the operator gives it one; the L2 construct would put in a random text that looks like one. */
function emptySecret(scope: Construct, id: string, description: string): Secret {
  const secret = new Secret(scope, id, { description })
  const resource = secret.node.defaultChild as CfnSecret
  resource.generateSecretString = undefined
  return secret
}
