import { RemovalPolicy } from 'aws-cdk-lib'
import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb'
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Construct } from 'constructs'
import { tableShape } from '../functions/table/shape.ts'

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

  /** Users, the settings, the budgets, and the issuers' key sets: a trust anchor, which nobody else may write. */
  grantVend(role: IRole): void {
    this.allowItems(role, ['GetItem', 'PutItem'], ['user#*', 'keys#*', 'settings'])
    this.allowItems(role, ['UpdateItem'], ['budget#*'])
  }

  /** Whose webviews there are; and, for a login whose webhook is late, what the webhook function does about it. */
  grantConnect(role: IRole): void {
    this.allowItems(role, ['GetItem'], ['keys#*'])
    this.allowItems(role, ['GetItem', 'PutItem'], ['user#*', 'event#*', 'settings'])
    this.allowItems(role, ['GetItem', 'PutItem', 'UpdateItem'], ['webview#*'])
    this.allowItems(role, ['UpdateItem'], ['account#*', 'budget#*'])
  }

  /** Users and who holds which account, whose webview it was, and which events have had their effect. */
  grantWebhook(role: IRole): void {
    this.allowItems(role, ['GetItem', 'PutItem'], ['user#*', 'event#*', 'settings'])
    this.allowItems(role, ['GetItem'], ['webview#*'])
    // A removed user's record, once nothing leads from it to Seam any more.
    this.allowItems(role, ['DeleteItem'], ['user#*'])
    this.allowItems(role, ['UpdateItem'], ['account#*'])
  }

  /** Users, those that are due by the index and, after a restore, all of them by a scan; and its own run. */
  grantCleanUp(role: IRole): void {
    this.allowItems(role, ['GetItem', 'PutItem', 'DeleteItem'], ['user#*'])
    this.allowItems(role, ['GetItem'], ['settings'])
    this.allowItems(role, ['GetItem', 'UpdateItem'], ['run#cleanup'])
    this.allow(role, ['Query'], `${this.table.tableArn}/index/${tableShape.due.name}`)
    this.allow(role, ['Scan'], this.table.tableArn)
  }

  /** Users and who holds which account; may list everybody, and sees issuers' keys without changing them. */
  grantAdmin(role: IRole): void {
    this.allowItems(role, ['GetItem', 'PutItem', 'DeleteItem'], ['user#*'])
    this.allowItems(role, ['GetItem', 'PutItem'], ['settings'])
    this.allowItems(role, ['GetItem'], ['keys#*'])
    this.allowItems(role, ['GetItem', 'UpdateItem'], ['account#*'])
    this.allowItems(role, ['UpdateItem'], ['orphan#*'])
    this.allow(role, ['Scan'], this.table.tableArn)
  }

  /** Actions on single items, limited to those whose key has one of these prefixes. */
  private allowItems(role: IRole, actions: string[], items: string[]): void {
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
