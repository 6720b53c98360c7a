import { RemovalPolicy, Validations } from 'aws-cdk-lib'
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { type CfnSecret, type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { Construct } from 'constructs'

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

  grantVend(role: IRole): void {
    allowReading(role, this.seamApiKey, this.sealingKey)
  }

  /** A login widens the live client session of who has logged in. */
  grantConnect(role: IRole): void {
    allowReading(role, this.seamApiKey, this.sealingKey)
  }

  grantWebhook(role: IRole): void {
    allowReading(role, this.seamApiKey, this.sealingKey, this.webhookSecrets)
  }

  /** Ends client sessions, and has no business with their tokens. */
  grantCleanUp(role: IRole): void {
    allowReading(role, this.seamApiKey)
  }

  grantAdmin(role: IRole): void {
    allowReading(role, this.seamApiKey, this.sealingKey)
  }
}

/** Without a value until the operator gives it one; the L2 construct would put in a random text that looks like one. */
function emptySecret(scope: Construct, id: string, description: string): Secret {
  const secret = new Secret(scope, id, { description })
  const resource = secret.node.defaultChild as CfnSecret
  resource.generateSecretString = undefined
  return secret
}

function allowReading(role: IRole, ...secrets: ISecret[]): void {
  role.addToPrincipalPolicy(
    new PolicyStatement({
      actions: ['secretsmanager:GetSecretValue'],
      resources: secrets.map(({ secretArn }) => secretArn),
    }),
  )
}
