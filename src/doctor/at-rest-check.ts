import type { ClientBase } from "pg";

export const AT_REST = "at-rest";

/** Each vendor's own settings, by which its service is known, and who can say what PostgreSQL cannot. */
const VENDORS: readonly { readonly setting: string; readonly name: string; readonly ask: string }[] = [
  {
    setting: "rds.extensions",
    name: "Amazon RDS or Aurora",
    ask: "aws rds describe-db-instances --query 'DBInstances[].[DBInstanceIdentifier,StorageEncrypted,KmsKeyId]'",
  },
  {
    setting: "azure.extensions",
    name: "Azure Database, which always encrypts",
    ask: "az postgres flexible-server show --query dataEncryption tells whose key it is",
  },
  {
    setting: "cloudsql.iam_authentication",
    name: "Cloud SQL, which always encrypts",
    ask: "gcloud sql instances describe INSTANCE --format='value(diskEncryptionConfiguration.kmsKeyName)' tells whose key it is",
  },
];

const OWN_SERVER = "PostgreSQL cannot say whether its volume is encrypted. On a server of your own: lsblk -o NAME,TYPE,MOUNTPOINT (docs/tls.md)";

/** Why volume encryption cannot be judged from here, and who is to be asked about this very server. */
export async function explainAtRest(client: ClientBase): Promise<string> {
  const { rows } = await client.query<{ place: number }>(
    `select place::integer
     from unnest($1::text[]) with ordinality as vendor (setting, place)
     where current_setting(setting, true) is not null
     order by place
     limit 1`,
    [VENDORS.map(({ setting }) => setting)],
  );
  const vendor = VENDORS[(rows[0]?.place ?? 0) - 1];
  if (vendor === undefined) return OWN_SERVER;
  return `PostgreSQL cannot say whether its volume is encrypted. This is ${vendor.name}: ${vendor.ask}`;
}
