import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { KeyProviderError } from "../../src/errors.js";
import { awsKms } from "../../src/keys/aws-kms.js";
import { inTransaction } from "../../src/keys/in-transaction.js";
import { addKey } from "../../src/keys/new-key.js";
import { deliverMessages } from "../../src/mailer.js";
import { createRepositories } from "../../src/repositories.js";
import { startAwsKms, type AwsKmsServer } from "../support/aws-kms-server.js";
import { connectForTest, mailerOptions, newPassword, newPerson, reveal } from "../support/client.js";
import { asAdmin, useDatabase } from "../support/database.js";
import { emptyKeys } from "../support/keys.js";
import { openShell, readPage, type Shell } from "../support/page-steps.js";
import { copyDatabase } from "../support/template.js";

/*
 * What docs/disaster-recovery.md says of a master key that is lost, wrong or elsewhere: each row
 * of its table happens, people see what it says they see, and its own steps bring the cell back.
 */

jest.setTimeout(120_000);

const HEADING = "When the master key is lost, wrong or elsewhere";
const page = readPage("docs/disaster-recovery.md");
const rows = page.table(HEADING);
const tried = new Set<string>();

const db = useDatabase();
const [application, outsider] = [
  { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" },
  { accessKeyId: "AKIAI44QH8DHBEXAMPLE", secretAccessKey: "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY" },
];

let kms: AwsKmsServer;
let shell: Shell;
let copy: string;
let ann: { readonly email: string; readonly password: string };

/** Master keys of two regions: one with a replica, one that wraps at first, and those that come after. */
let first: string;
let replicated: string;

const replicaOf = (arn: string) => arn.replace("eu-central-1", "eu-west-1");
const aws = (arn: string, ...also: string[]) => `aws-kms://${[arn, ...also].join("?also=")}`;

const identity = ({ accessKeyId, secretAccessKey }: typeof application) => ({
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
  AWS_ENDPOINT_URL_KMS: kms.url,
});

/** Runs what the page says below a heading. */
async function follow(heading: string, variables: Readonly<Record<string, string>>): Promise<string> {
  const [block = ""] = page.blocks(heading, "sh");
  return shell.run(block, { ...identity(application), CELL: db.cell, OPERATOR: db.connectionString("operator"), ...variables });
}

/** What people are told who sign in, by a process that has nothing in memory; `undefined` when they are let in. */
async function told(keys: string): Promise<KeyProviderError | undefined> {
  const safetypin = await connectForTest(db, { keys });
  try {
    const outcome = await safetypin.signIn(ann).then(
      ({ sessionToken, refreshToken }) => [sessionToken, refreshToken].forEach(reveal),
      (error: unknown) => error as KeyProviderError,
    );
    if (outcome === undefined) return undefined;

    // Nobody learns from it who has an account.
    const stranger = await safetypin.signIn({ ...ann, email: "nobody@example.com" }).catch((error: unknown) => error as KeyProviderError);
    expect(stranger).toMatchObject({ name: "KeyProviderError", message: outcome.message });
    expect(outcome).toBeInstanceOf(KeyProviderError);
    expect(outcome.remedy).toMatch(/\w/);
    expect(outcome.isTransient).toBe(false);
    return outcome;
  } finally {
    await safetypin.close();
  }
}

/** A row of the page happens: its code is what people are told, and afterwards they are let in. */
async function happens(row: string, keys: string, mend: () => Promise<string>): Promise<KeyProviderError> {
  const [, code = ""] = rows.find(([what]) => what === row) ?? [];
  tried.add(row);
  const error = (await told(keys)) as KeyProviderError;
  expect(`\`${error?.code}\``).toBe(/^`\w+`/.exec(code)?.[0]);
  expect(await told(await mend())).toBeUndefined();
  return error;
}

async function keyNames(): Promise<readonly string[]> {
  const { rows: names } = await db.admin.query<{ name: string }>("select distinct key_name as name from tenant_keys order by 1");
  return names.map(({ name }) => name);
}

beforeAll(async () => {
  shell = await openShell();
  kms = await startAwsKms();
  kms.addIdentity(application);
  kms.addIdentity({ ...outsider, denied: ["Decrypt"] });
  first = kms.createKey("eu-central-1");
  replicated = kms.createKey("eu-central-1", ["eu-west-1"]);
  Object.assign(process.env, identity(application));

  // The template's cell has its key in a file.
  await emptyKeys(db.admin);
  await shell.run('DATABASE_URL="$OPERATOR" safetypin keys init --keys "$KEYS"', {
    ...identity(application),
    OPERATOR: db.connectionString("operator"),
    KEYS: aws(first),
  });

  ann = { email: "ann@example.com", password: newPassword() };
  const safetypin = await connectForTest(db, { keys: aws(first) });
  try {
    await safetypin.register({ ...ann, firstName: "Ann", lastName: "Archer" });
    await deliverMessages({
      ...mailerOptions(db, async ({ token }) => {
        if (token !== null) await safetypin.verifyEmail(token);
      }),
      keys: aws(first),
    });
    const { sessionToken } = await safetypin.signIn(ann);
    await safetypin.withSession(sessionToken, async (tx) => {
      const { organizations } = createRepositories(tx);
      await organizations.choose(await organizations.create({ slug: "acme", name: "Acme Clinic" }));
      await organizations.update({ billingEmail: "bills@example.com" });
    });
  } finally {
    await safetypin.close();
  }

  copy = `${db.name}_copy`;
});

afterAll(async () => {
  await asAdmin((admin) => admin.query(`drop database if exists ${copy} with (force)`));
  await shell.close();
  await kms.stop();
  for (const name of Object.keys(identity(application))) delete process.env[name];
});

/** A backup as it would be restored beside the cell; the shares are wrapped as they are now. */
async function backUp(): Promise<void> {
  await asAdmin(async (admin) => {
    await admin.query(`drop database if exists ${copy} with (force)`);
    await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", [db.name]);
    await copyDatabase(admin, db.name, copy);
  });
}

test("the master key was disabled", async () => {
  kms.setState(first, "Disabled");
  const error = await happens("the master key was disabled", aws(first), async () => {
    kms.setState(first, "Enabled");
    return aws(first);
  });
  expect(error).toMatchObject({ message: `the key ${first} is disabled`, remedy: expect.stringContaining("enable-key") });
});

test("its deletion was scheduled", async () => {
  kms.setState(first, "PendingDeletion");
  const error = await happens("its deletion was scheduled", aws(first), async () => {
    kms.setState(first, "Enabled");
    return aws(first);
  });
  expect(error.message).toContain("is going to be deleted: on 2027-01-15T");
  expect(error.remedy).toContain("cancel-key-deletion");
});

test("the identity may not use it any more", async () => {
  Object.assign(process.env, identity(outsider));
  await happens("the identity may not use it any more", aws(first), async () => {
    Object.assign(process.env, identity(application));
    return aws(first);
  }).finally(() => Object.assign(process.env, identity(application)));
});

test("another master key is configured", async () => {
  const error = await happens("another master key is configured", aws(replicated), async () => aws(first));
  expect(error.message).toContain(`was wrapped by ${first}, which is not the key that is configured: configured is ${replicated}`);

  // … and is meant to be: both, and rewrapping; then the former is not asked again.
  const said = await follow("Another master key", { NEW: replicated, OLD: first });
  expect(said).toContain(`rewrapped  key 1 of the cell: ${first} → ${replicated}`);
  expect(await keyNames()).toEqual([replicated]);
  expect(await told(aws(replicated))).toBeUndefined();
});

test("another region is configured, or all that is left", async () => {
  const elsewhere = kms.createKey("eu-west-1");
  await happens("another region is configured, or all that is left", aws(elsewhere), async () => aws(replicaOf(replicated)));

  kms.setState(replicated, "Unavailable");
  try {
    expect(await told(aws(replicaOf(replicated)))).toBeUndefined();
  } finally {
    kms.setState(replicated, "Enabled");
  }
});

test("a share was altered, or is another cell's", async () => {
  await backUp();
  const other = awsKms({ keyArn: replicated });
  const { wrapped } = await other.generate({ cellId: "0199a0c4-0000-7000-8000-000000000009", organizationId: null, keyId: 1 });
  await other.close?.();
  await db.admin.query("update tenant_keys set wrapped = $1 where organization_id is null", [wrapped.bytes]);

  await happens("a share was altered, or is another cell's", aws(replicated), async () => {
    const said = await follow("A copy of the shares", { NEW: replicated, OLD: first, COPY: copy });
    expect(said).toContain(`rewrapped  key 1 of the cell: ${replicated} → ${replicated}, from the copy`);
    expect(said).toMatch(/is {2}key 1 of organization/);
    return aws(replicated);
  });
});

test("a share opens, and is another key's", async () => {
  await backUp();
  const { rows: [acme] } = await db.admin.query<{ id: string; organizationId: string }>(
    'select id, organization_id as "organizationId" from tenant_keys where organization_id is not null',
  );
  const { rows: [cell] } = await db.admin.query<{ id: string }>("select id from cell_settings");
  const provider = awsKms({ keyArn: replicated });
  const { wrapped } = await provider.generate({ cellId: cell!.id, organizationId: acme!.organizationId, keyId: 1 });
  await provider.close?.();
  await db.admin.query("update tenant_keys set wrapped = $1 where id = $2", [wrapped.bytes, acme!.id]);

  // It is seen where nothing is written, and taken from the copy.
  const [plain = ""] = page.blocks("A copy of the shares", "sh");
  const variables = { ...identity(application), CELL: db.cell, OPERATOR: db.connectionString("operator"), NEW: replicated, OLD: first, COPY: copy };
  await expect(shell.run(plain.replace('--copy "$COPY"', "--dry-run"), variables)).rejects.toThrow(/1 of 2 keys were left/);
  const said = await follow("A copy of the shares", { NEW: replicated, OLD: first, COPY: copy });
  expect(said).toMatch(/is {2}key 1 of the cell/);
  expect(said).toContain(`rewrapped  key 1 of organization ${acme!.organizationId}: ${replicated} → ${replicated}, from the copy`);
  expect(await follow("A copy of the shares", { NEW: replicated, OLD: first, COPY: copy })).not.toContain("rewrapped");
});

test("it is gone, and there is a replica", async () => {
  kms.setState(replicated, "gone");
  await happens("it is gone", aws(replicated), async () => {
    const said = await follow("A replica in another region", { NEW: replicaOf(replicated) });
    expect(said).toContain(`rewrapped  key 1 of the cell: ${replicated} → ${replicaOf(replicated)}`);
    return aws(replicaOf(replicated));
  });
  expect(await keyNames()).toEqual([replicaOf(replicated)]);
});

test("it is gone, and a backup has the shares as a former master key wrapped them", async () => {
  const [former, lost, next] = [first, kms.createKey("eu-west-1"), kms.createKey("eu-central-1")];
  const now = replicaOf(replicated);
  await follow("Another master key", { NEW: former, OLD: now });
  await backUp();
  await follow("Another master key", { NEW: lost, OLD: former });
  expect(await keyNames()).toEqual([lost]);

  kms.setState(lost, "gone");
  await happens("it is gone", aws(lost), async () => {
    // The backup of another cell is of no use, and says so.
    await asAdmin(async (admin) => {
      await admin.query(`drop database if exists ${copy}_other with (force)`);
      await copyDatabase(admin, copy, `${copy}_other`);
    });
    const url = new URL(db.connectionString("admin"));
    url.pathname = `/${copy}_other`;
    await shell.run('psql "$URL" --quiet --command "update safetypin.cell_settings set id = gen_random_uuid()"', { URL: url.href });
    await expect(follow("A copy of the shares", { NEW: next, OLD: former, COPY: `${copy}_other` })).rejects.toThrow(/is another than this one/);
    await asAdmin((admin) => admin.query(`drop database ${copy}_other with (force)`));

    const said = await follow("A copy of the shares", { NEW: next, OLD: former, COPY: copy });
    expect(said).toContain(`rewrapped  key 1 of the cell: ${lost} → ${next}, from the copy`);
    expect(said).toContain("from the copy");
    return aws(next);
  });
  // Of the organization's, too; and once more changes nothing.
  expect(await keyNames()).toEqual([next]);
  expect(await follow("A copy of the shares", { NEW: next, OLD: former, COPY: copy })).not.toContain("rewrapped");
  first = next;
});

test("a rotation was begun with another master key", async () => {
  const row = "a rotation was begun with another master key";
  expect(rows.find(([what]) => what === row)?.[1]).toMatch(/^none/);
  tried.add(row);
  const stranger = kms.createKey("eu-central-1");

  // The command begins none: nothing says so but the sentence, and nothing changes.
  const states = async () =>
    (await db.admin.query<{ key: string }>("select key_id || ' ' || state as key from tenant_keys where organization_id is null order by key_id")).rows.map(({ key }) => key);
  const heading = "A rotation that was begun with another master key";
  await expect(follow(heading, { NEW: stranger })).rejects.toThrow(/Key 1 of the cell does not open, and it is the one that seals/);
  await expect(follow(heading, { NEW: `${stranger}?also=${first}` })).rejects.toThrow(/these keys wrap by another/);
  expect(await states()).toEqual(["1 active"]);

  // As one that was begun by other means, and killed, left it: pending, and then without its master key.
  const provider = awsKms({ keyArn: stranger });
  const operator = await db.pool("operator").connect();
  try {
    const { rows: [cell] } = await operator.query<{ id: string }>("select id from cell_settings");
    await inTransaction(operator, () => addKey(operator, { provider, cellId: cell!.id, organizationId: null }));
  } finally {
    operator.release();
    await provider.close?.();
  }
  expect(await told(aws(first))).toBeUndefined();
  kms.setState(stranger, "gone");
  expect(await told(aws(first))).toBeUndefined();

  const said = await follow(heading, { NEW: first });
  expect(said).toContain("rotated  key 2 of the cell seals");
  expect((await states())[1]).toBe("2 active");
  expect(await told(aws(first))).toBeUndefined();
});

test("it is gone, and nothing is left: what is not sealed is as it was", async () => {
  const auditor = db.pool("auditor");
  const read = async () => (await auditor.query("select event_type, user_id, organization_id from auth_audit_logs order by recorded_at, seq")).rows;
  const before = await read();
  expect(before.length).toBeGreaterThan(5);

  kms.setState(first, "gone");
  expect((await told(aws(first)))?.code).toBe("master_key_not_found");
  await expect(follow("Another master key", { NEW: kms.createKey("eu-central-1"), OLD: first })).rejects.toThrow(/keys were left as they are/);
  expect((await read()).slice(0, before.length)).toEqual(before);
  const { rows: names } = await db.admin.query("select first_name, last_name from users");
  expect(names).toEqual([{ first_name: "Ann", last_name: "Archer" }]);
});

describe("in development", () => {
  const dev = useDatabase();

  test("the file of a development cell is another", async () => {
    const row = "the file of a development cell is another";
    const [, code = ""] = rows.find(([what]) => what === row) ?? [];
    tried.add(row);
    const folder = await mkdtemp(join(tmpdir(), "safetypin-file-"));
    try {
      const { email, password } = await newPerson(dev, "ann");
      const kept = process.env["SAFETYPIN_KEY_FILE"]!;
      const file = join(folder, "keys.json");
      await writeFile(
        file,
        JSON.stringify({
          format: 1,
          active: "0123456789abcdef",
          keys: [{ id: "0123456789abcdef", creationTime: new Date().toISOString(), key: Buffer.alloc(32, 7).toString("base64") }],
        }),
        { mode: 0o600 },
      );
      const signIn = async () => {
        const safetypin = await connectForTest(dev, { keys: `file:${file}` });
        try {
          return await safetypin.signIn({ email, password });
        } finally {
          await safetypin.close();
        }
      };
      const error = (await signIn().catch((reason: unknown) => reason)) as KeyProviderError;
      expect(code).toContain(`\`${error.code}\``);
      expect(error.message).toContain(`it is not in ${file}`);

      await copyFile(kept, file);
      reveal((await signIn()).sessionToken);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

test("each row of the page has happened", () => {
  expect(rows.map(([what]) => what).filter((what) => !tried.has(what!))).toEqual([]);
  expect(rows.length).toBe(tried.size);
});
