import { RemovalPolicy } from 'aws-cdk-lib'
import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb'
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import { access } from '../../functions/table/keys.ts'
import { tableShape } from '../../functions/table/shape.ts'

export interface VendingTableProps {
  /** What the HTTP API lets through; the most that the table may be asked for, and cost, follows from it. */
  readonly requestsPerSecond: number
}

/** The one table, and who may do what with which items. */
export class VendingTable extends Construct {
  readonly table: Table

  constructor(scope: Construct, id: string, { requestsPerSecond }: VendingTableProps) {
    super(scope, id)
    const { key, ttl, due } = tableShape
    // A request reads one record and at worst writes it twice. A record with a few accounts is 1 to 2 KB: one or two
    // units; the rest is room for long records, refused writes and cleaning up.
    const most = { maxReadRequestUnits: 20 * requestsPerSecond, maxWriteRequestUnits: 20 * requestsPerSecond }

    this.table = new Table(this, 'Table', {
      partitionKey: { name: key, type: AttributeType.STRING },
      timeToLiveAttribute: ttl,
      billingMode: BillingMode.PAY_PER_REQUEST,
      ...most,
      encryption: TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    })
    this.table.addGlobalSecondaryIndex({
      indexName: due.name,
      partitionKey: { name: due.partition, type: AttributeType.NUMBER },
      sortKey: { name: due.sort, type: AttributeType.NUMBER },
      projectionType: ProjectionType.KEYS_ONLY,
      ...most,
    })
  }

  grantVend(role: IRole): void {
    this.allowItems(role, 'vend')
  }

  grantConnect(role: IRole): void {
    this.allowItems(role, 'connect')
  }

  grantWebhook(role: IRole): void {
    this.allowItems(role, 'webhook')
  }

  /** Also what is due by the index and, after a restore, everybody by a scan. */
  grantCleanUp(role: IRole): void {
    this.allowItems(role, 'cleanUp')
    this.allow(role, ['Query'], `${this.table.tableArn}/index/${tableShape.due.name}`)
    this.allow(role, ['Scan'], this.table.tableArn)
  }

  /** May list everybody too. */
  grantAdmin(role: IRole): void {
    this.allowItems(role, 'admin')
    this.allow(role, ['Scan'], this.table.tableArn)
  }

  /** Actions on single items, limited to those whose key has one of these prefixes. */
  private allowItems(role: IRole, who: keyof typeof access): void {
    for (const [actions, items] of access[who])
      this.allow(role, actions, this.table.tableArn, {
        'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': items },
      })
  }

  private allow(
    role: IRole,
    actions: string[],
    resource: string,
    conditions?: Record<string, Record<string, string[]>>,
  ): void {
    role.addToPrincipalPolicy(
      new PolicyStatement({
        actions: actions.map((action) => `dynamodb:${action}`),
        resources: [resource],
        ...(conditions !== undefined && { conditions }),
      }),
    )
  }
}
