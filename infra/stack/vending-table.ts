import { RemovalPolicy } from 'aws-cdk-lib'
import {
  AttributeType,
  BillingMode,
  type ITable,
  ProjectionType,
  Table,
  TableEncryption,
} from 'aws-cdk-lib/aws-dynamodb'
import { type IRole, PolicyStatement, type PolicyStatementProps } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { Construct } from 'constructs'
import { access, type Entry, tableShape } from '../../functions/table/keys.ts'

export interface VendingTableProps {
  /** What the HTTP API lets through; the most that the table may be asked for, and cost, follows from it. */
  readonly requestsPerSecond: number
  /** In the place of what follows, which never exceeds AWS's default quota. */
  readonly tableUnits?: number | undefined
  readonly encryptionKey?: IKey | undefined
  /** One that an earlier stack has left. Its settings are nobody's then: the doctor looks at them. */
  readonly tableArn?: string | undefined
}

type Conditions = PolicyStatementProps['conditions']

/** Request units a second of one table, by default. */
const quota = 40_000

/** The one table, and who may do what with which items. */
export class VendingTable extends Construct {
  readonly table: ITable

  constructor(scope: Construct, id: string, props: VendingTableProps) {
    super(scope, id)
    this.table =
      props.tableArn === undefined ? this.newTable(props) : Table.fromTableArn(this, 'Table', props.tableArn)
  }

  private newTable({ requestsPerSecond, tableUnits, encryptionKey }: VendingTableProps): Table {
    const { key, ttl, due } = tableShape
    // A request reads one record and at worst writes it twice. A record with a few accounts is 1 to 2 KB: one or two
    // units; the rest is room for long records, refused writes and cleaning up.
    const units = tableUnits ?? Math.min(quota, 20 * requestsPerSecond)
    const most = { maxReadRequestUnits: units, maxWriteRequestUnits: units }

    const table = new Table(this, 'Table', {
      partitionKey: { name: key, type: AttributeType.STRING },
      timeToLiveAttribute: ttl,
      billingMode: BillingMode.PAY_PER_REQUEST,
      ...most,
      encryption: encryptionKey ? TableEncryption.CUSTOMER_MANAGED : TableEncryption.AWS_MANAGED,
      encryptionKey,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    })
    table.addGlobalSecondaryIndex({
      indexName: due.name,
      partitionKey: { name: due.partition, type: AttributeType.NUMBER },
      sortKey: { name: due.sort, type: AttributeType.NUMBER },
      projectionType: ProjectionType.KEYS_ONLY,
      ...most,
    })
    return table
  }

  /** Actions on single items, limited to those whose key has one of the prefixes that its function works with. */
  grant(role: IRole, entry: Entry): void {
    for (const [actions, items] of access[entry])
      this.allow(role, actions, this.table.tableArn, {
        'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': items },
      })
    // What is due, by the index.
    if (entry === 'cleanup')
      this.allow(role, ['Query'], `${this.table.tableArn}/index/${tableShape.due.name}`)
    // Everybody: after a restore, or in a list.
    if (entry === 'cleanup' || entry === 'admin') this.allow(role, ['Scan'], this.table.tableArn)
  }

  private allow(role: IRole, names: string[], resource: string, conditions?: Conditions): void {
    const actions = names.map((name) => `dynamodb:${name}`)
    role.addToPrincipalPolicy(new PolicyStatement({ actions, resources: [resource], conditions }))
  }
}
