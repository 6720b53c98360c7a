import { RemovalPolicy, Validations } from 'aws-cdk-lib'
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { type CfnSecret, type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { Construct } from 'constructs'
import { secretsOf } from '../../functions/entries/environment.ts'
import type { Entry } from '../../functions/table/keys.ts'

export interface SecretsProps {
  /** A secret that already holds the Seam API key, as plain text. Absent: one is made for the operator to fill in. */
  readonly seamApiKeySecretArn?: string | undefined
  /** The key of KMS that it is encrypted with; absent: AWS's own. */
  readonly seamApiKeySecretKeyArn?: string | undefined
  readonly encryptionKey?: IKey | undefined
  /** One that an earlier stack has left. */
  readonly sealingKeySecretArn?: string | undefined
}

/** What must stay secret; none of it is ever in the template or in a function's environment. */
export class Secrets extends Construct {
  readonly seamApiKey: ISecret
  readonly sealingKey: ISecret
  readonly webhookSecrets: ISecret

  private readonly apiKeyKeyArn: string | undefined

  constructor(scope: Construct, id: string, props: SecretsProps) {
    super(scope, id)
    this.apiKeyKeyArn = props.seamApiKeySecretKeyArn
    const { seamApiKeySecretArn, sealingKeySecretArn, encryptionKey } = props
    this.seamApiKey =
      seamApiKeySecretArn === undefined
        ? emptySecret(this, 'SeamApiKey', 'The Seam API key, as plain text.', encryptionKey)
        : Secret.fromSecretCompleteArn(this, 'SeamApiKey', seamApiKeySecretArn)

    this.webhookSecrets = emptySecret(
      this,
      'WebhookSecrets',
      'What Seam’s webhooks are signed with: a JSON list of "whsec_…", so that one can follow another.',
      encryptionKey,
    )

    this.sealingKey =
      sealingKeySecretArn === undefined
        ? newSealingKey(this, encryptionKey)
        : Secret.fromSecretCompleteArn(this, 'SealingKey', sealingKeySecretArn)

    Validations.of(this).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        'Seam’s keys and webhooks are rotated by people in its console. The sealing key is replaced on demand: what it seals lives for hours and is worth nothing to who cannot read the table as well.',
    })
  }

  /** What tells a function where its secrets are: names of variables, and ARNs. */
  arnsFor(entry: Entry): Record<string, string> {
    const named = Object.entries(secretsOf[entry])
    return Object.fromEntries(named.map(([variable, name]) => [variable, this[name].secretArn]))
  }

  /** Lets a function read what it needs. */
  grantRead(role: IRole, entry: Entry): void {
    role.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ['secretsmanager:GetSecretValue'],
        resources: Object.values(this.arnsFor(entry)),
      }),
    )
    // Every one of them reads the API key.
    if (this.apiKeyKeyArn !== undefined)
      role.addToPrincipalPolicy(
        new PolicyStatement({ actions: ['kms:Decrypt'], resources: [this.apiKeyKeyArn] }),
      )
  }
}

/** Without a value until the operator gives it one; the L2 construct would put in a random text that looks like one. */
function emptySecret(scope: Construct, id: string, description: string, encryptionKey?: IKey): Secret {
  const secret = new Secret(scope, id, { description, encryptionKey })
  const resource = secret.node.defaultChild as CfnSecret
  resource.generateSecretString = undefined
  return secret
}

function newSealingKey(scope: Construct, encryptionKey?: IKey): Secret {
  return new Secret(scope, 'SealingKey', {
    description: 'Seals client session tokens in the table: {"current": "…", "previous": "…"}.',
    encryptionKey,
    generateSecretString: {
      secretStringTemplate: '{}',
      generateStringKey: 'current',
      passwordLength: 64,
      excludePunctuation: true,
    },
    // It opens what is in the table, which stays too.
    removalPolicy: RemovalPolicy.RETAIN,
  })
}
