import { randomBytes, randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import pg from "pg";

// Before the clouds' libraries: it leads their names to this machine.
import { folder } from "./support/reach-clouds.js";
import { ClientSecretCredential } from "@azure/identity";

import { EXIT } from "../src/cli/exit-codes.js";
import { awsKms } from "../src/keys/aws-kms.js";
import { azureKeyVault } from "../src/keys/azure-key-vault.js";
import { gcpKms } from "../src/keys/gcp-kms.js";
import type { KeyProvider } from "../src/keys/key-provider.js";
import { readPad } from "../src/keys/new-key.js";
import { maskShare } from "../src/keys/mask.js";
import { localKeyFile } from "../src/keys/local-key-file.js";
import { rewrapKeys } from "../src/keys/rewrap-keys.js";
import { severalProviders } from "../src/keys/several-providers.js";
import { createRepositories } from "../src/repositories.js";
import { startAwsKms, type AwsKmsServer } from "./support/aws-kms-server.js";
import { startAzureKeyVault, type AzureKeyVaultServer } from "./support/azure-key-vault-server.js";
import { outcome, runCli, startCli } from "./support/cli.js";
import { connectForTest, newPerson, type Person } from "./support/client.js";
import { useDatabase } from "./support/database.js";
import { startGcpKms, type GcpKmsServer } from "./support/gcp-kms-server.js";

jest.setTimeout(120_000);

/*
 * From a key file to AWS, from there to Google and from there to Azure: by the services' own
 * libraries, against servers that speak as the services do. Whoever moves is ended at every
 * step, and an application reads all the while.
 */

const identity = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };
const application = { clientId: "0199a0c4-8888-7000-8000-000000000001", clientSecret: "a~secret~of~an~application" };
const BILLS = "bills@acme.example";

/** What is said of a share that opens, and is another key's. */
const NOT_THE_SHARE = { name: "ConfigurationError", cause: expect.objectContaining({ code: "SP221" }) };

describe("shares that move from one kind of service to another", () => {
  const db = useDatabase();
  let aws: AwsKmsServer;
  let gcp: GcpKmsServer;
  let azure: AzureKeyVaultServer;
  let arn: string;
  let gcpKey: string;
  let vaultKey: string;
  let cellId: string;
  let ann: Person;
  let shares: Map<string, Buffer>;
  let sealed: unknown;
  const opened: KeyProvider[] = [];

  const keep = (provider: KeyProvider): KeyProvider => {
    opened.push(provider);
    return provider;
  };
  const file = () => localKeyFile({ environment: "test" });
  const inAws = () => keep(awsKms({ keyArn: arn, endpoint: aws.url, credentials: identity }));
  const inGoogle = () => keep(gcpKms({ keyName: gcpKey, endpoint: gcp.endpoint }));
  const inAzure = () =>
    keep(
      azureKeyVault({
        keyUrl: vaultKey,
        credential: new ClientSecretCredential(azure.tenantId, application.clientId, application.clientSecret, {
          authorityHost: azure.authorityHost,
          disableInstanceDiscovery: true,
        }),
      }),
    );

  interface Row {
    readonly id: string;
    readonly organizationId: string | null;
    readonly keyId: number;
    readonly provider: string;
    readonly keyName: string;
    readonly bytes: Buffer;
  }
  async function rowsOf(): Promise<Row[]> {
    const { rows } = await db.admin.query<Row>(
      `select id, organization_id as "organizationId", key_id as "keyId", provider, key_name as "keyName", wrapped as bytes
       from tenant_keys order by id`,
    );
    return rows;
  }
  const kinds = async () => (await rowsOf()).map(({ provider }) => provider);

  const unwrapAll = async (provider: KeyProvider): Promise<Map<string, Buffer>> =>
    new Map(
      await Promise.all(
        (await rowsOf()).map(
          async (row) => [row.id, await provider.unwrap(row, { cellId, organizationId: row.organizationId, keyId: row.keyId })] as const,
        ),
      ),
    );
  const readSealed = async () =>
    (await db.admin.query("select (select array_agg(email order by id) from users) as people, (select array_agg(billing_email order by id) from organizations) as bills")).rows;

  /** What an application reads with these keys: something under the cell's, and something under the organization's. */
  async function readWith(keys: KeyProvider | string): Promise<unknown> {
    const safetyPin = await connectForTest(db, { keys });
    try {
      return await safetyPin.withSession(ann.sessionToken, async (tx) => {
        const { users, organizations } = createRepositories(tx);
        return [(await users.get(ann.userId)).email, (await organizations.getCurrent()).billingEmail];
      });
    } finally {
      await safetyPin.close();
    }
  }

  /**
   * Moves everything, ended at the first step, then at the second, and so on: a step is a
   * request to a service, or a statement to the database.
   */
  async function moveEndedAtEveryStep(provider: KeyProvider): Promise<number> {
    for (let last = 1; ; last += 1) {
      const client = new pg.Client({ connectionString: db.connectionString("operator") });
      client.on("error", () => undefined);
      await client.connect();
      await client.query("select set_config('search_path', $1, false)", [db.cell]);

      let step = 0;
      const counted = <Input extends unknown[], Output>(work: (...input: Input) => Promise<Output>) => async (...input: Input) => {
        step += 1;
        if (step === last) {
          // As if the process were gone.
          (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
          throw new Error("ended here");
        }
        return work(...input);
      };
      const ended: KeyProvider = {
        ...provider,
        rewrap: counted((...input) => provider.rewrap(...input)),
        unwrap: counted((...input) => provider.unwrap(...input)),
      };
      const query = client.query.bind(client) as (...input: unknown[]) => Promise<unknown>;
      Object.assign(client, { query: counted(query) });

      const failure: unknown = await rewrapKeys(client, { cellId, provider: ended }).then(
        (keys) => keys.find((key) => key.failure !== undefined)?.failure,
        (error: unknown) => error,
      );
      await client.end().catch(() => undefined);
      expect(await unwrapAll(provider)).toEqual(shares);
      if (failure === undefined) return last - 1;
    }
  }

  beforeAll(async () => {
    [aws, gcp, azure] = await Promise.all([startAwsKms(), startGcpKms(), startAzureKeyVault()]);
    aws.addIdentity(identity);
    azure.addApplication(application);
    arn = aws.createKey("eu-central-1");
    gcpKey = gcp.createKey("europe-west3");
    vaultKey = azure.createKey();
    const credentials = join(folder, "application.json");
    writeFileSync(credentials, JSON.stringify(gcp.addIdentity("application@clinic.iam.gserviceaccount.com")));
    process.env["GOOGLE_APPLICATION_CREDENTIALS"] = credentials;

    const safetyPin = await connectForTest(db);
    ann = await newPerson(db, "ann");
    await safetyPin.withSession(ann.sessionToken, async (tx) => {
      const { organizations } = createRepositories(tx);
      await organizations.choose(await organizations.create({ slug: "acme", name: "Acme" }));
      await organizations.update({ billingEmail: BILLS });
    });
    await safetyPin.close();
    cellId = (await db.admin.query<{ id: string }>("select id from cell_settings")).rows[0]!.id;
    shares = await unwrapAll(file());
    sealed = await readSealed();
  });
  afterAll(async () => {
    for (const provider of opened) await provider.close?.();
    await Promise.all([aws.stop(), gcp.stop(), azure.stop()]);
  });
  afterEach(async () => {
    // No value was touched.
    expect(await readSealed()).toEqual(sealed);
  });

  it("are not moved by whoever has the new service only, and nothing is changed", async () => {
    expect(await kinds()).toEqual(["local-key-file", "local-key-file"]);
    const client = await db.pool("operator").connect();
    try {
      const keys = await rewrapKeys(client, { cellId, provider: inAws() });
      expect(keys.map(({ isRewrapped }) => isRewrapped)).toEqual([false, false]);
      expect(keys[0]!.failure).toMatchObject({
        message: "Key 1 of the cell was wrapped by local-key-file, and keys come from aws-kms",
        remedy: expect.stringContaining("two addresses, one after the other"),
      });
    } finally {
      client.release();
    }
    expect(aws.requests).toEqual([]);
    expect(await kinds()).toEqual(["local-key-file", "local-key-file"]);
  });

  it("are not replaced by what does not open to the same", async () => {
    const provider = severalProviders(inAws(), [file()]);
    const client = await db.pool("operator").connect();
    try {
      const lying: KeyProvider = { ...provider, unwrap: async () => Buffer.alloc(32, 1) };
      const keys = await rewrapKeys(client, { cellId, provider: lying });
      expect(keys.map(({ failure }) => failure)).toEqual([
        expect.objectContaining(NOT_THE_SHARE), expect.objectContaining(NOT_THE_SHARE),
      ]);
    } finally {
      client.release();
    }
    expect(await kinds()).toEqual(["local-key-file", "local-key-file"]);
  });

  it("are not replaced by what is wrapped anew and then opens to another", async () => {
    const provider = severalProviders(inAws(), [file()]);
    const client = await db.pool("operator").connect();
    try {
      const lying: KeyProvider = {
        ...provider,
        rewrap: (_, context) => provider.wrap(Buffer.alloc(32, 1), context),
      };
      const keys = await rewrapKeys(client, { cellId, provider: lying });
      expect(keys.map(({ failure }) => failure)).toEqual([
        expect.objectContaining(NOT_THE_SHARE), expect.objectContaining(NOT_THE_SHARE),
      ]);
    } finally {
      client.release();
    }
    expect(await kinds()).toEqual(["local-key-file", "local-key-file"]);
  });

  it("are seen where they open and are not the key's, also where nothing is to be done", async () => {
    const [, ofAcme] = await rowsOf();
    const { organizationId, keyId, bytes } = ofAcme!;
    const another = await file().wrap(randomBytes(32), { cellId, organizationId, keyId });
    const replace = (wrapped: Buffer) => db.admin.query("update tenant_keys set wrapped = $2 where id = $1", [ofAcme!.id, wrapped]);
    await replace(another.bytes);
    const client = await db.pool("operator").connect();
    try {
      for (const [provider, dryRun] of [[file(), true], [file(), false], [severalProviders(inAws(), [file()]), true]] as const) {
        const keys = await rewrapKeys(client, { cellId, provider, dryRun });
        expect(keys.map(({ failure }) => failure)).toEqual([undefined, expect.objectContaining(NOT_THE_SHARE)]);
        expect(keys[1]!.failure).toMatchObject({ message: expect.stringContaining("this is not the share of key 1") });
      }
      expect((await rowsOf())[1]!.bytes).toEqual(another.bytes);
    } finally {
      client.release();
      await replace(bytes);
    }
  });

  it("are no reason to leave a key where the connection is lost", async () => {
    const client = new pg.Client({ connectionString: db.connectionString("operator") });
    client.on("error", () => undefined);
    await client.connect();
    try {
      await client.query("select set_config('search_path', $1, false)", [db.cell]);
      const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
      const provider: KeyProvider = {
        ...file(),
        async unwrap(...input) {
          await db.admin.query("select pg_terminate_backend($1, 5000)", [rows[0]!.pid]);
          return file().unwrap(...input);
        },
      };
      const told: unknown[] = [];
      await expect(rewrapKeys(client, { cellId, provider, onKey: (key) => told.push(key) })).rejects.toThrow(/terminat|closed|not queryable/i);
      expect(told).toEqual([]);
    } finally {
      await client.end().catch(() => undefined);
    }
  });

  it("move from a key file to AWS by the command, which is killed at every request", async () => {
    const keyFile = process.env["SAFETYPIN_KEY_FILE"]!;
    const address = `aws-kms://${arn}?endpoint=${encodeURIComponent(aws.url)}`;
    const env = {
      DATABASE_URL: db.connectionString("operator"),
      AWS_ACCESS_KEY_ID: identity.accessKeyId,
      AWS_SECRET_ACCESS_KEY: identity.secretAccessKey,
      AWS_CONFIG_FILE: join(folder, "none"),
      AWS_SHARED_CREDENTIALS_FILE: join(folder, "none"),
    };
    const args = ["keys", "rewrap", "--to", `${address} file:${keyFile}`];
    expect((await runCli([...args, "--dry-run"], { env })).stdout).toMatch(/would rewrap {2}key 1 of the cell: file:.* → arn:/);
    expect(await kinds()).toEqual(["local-key-file", "local-key-file"]);

    let kills = 0;
    for (;;) {
      const before = aws.arrivals.length;
      const child = startCli(args, { env });
      const watch = setInterval(() => {
        if (aws.arrivals.length > before + kills) child.kill("SIGKILL");
      }, 1);
      const { code } = await outcome(child);
      clearInterval(watch);
      expect(await unwrapAll(severalProviders(inAws(), [file()]))).toEqual(shares);
      if (code !== null) {
        expect(code).toBe(0);
        break;
      }
      kills += 1;
    }
    expect(kills).toBeGreaterThan(1);
    expect(await kinds()).toEqual(["aws-kms", "aws-kms"]);
    expect(await readWith(inAws())).toEqual([ann.email, BILLS]);
    expect((await runCli(args, { env })).stdout).not.toContain("rewrapped");
  });

  it.each([
    ["from AWS to Google", "gcp-kms", () => inGoogle(), () => inAws()],
    ["from Google to Azure", "azure-key-vault", () => inAzure(), () => inGoogle()],
    ["and back to AWS", "aws-kms", () => inAws(), () => inAzure()],
  ])("move %s, ended at every step, while an application reads", async (_, kind, next, before) => {
    // As the application is configured for as long as it takes.
    const both = severalProviders(next(), [before()]);
    const safetyPin = await connectForTest(db, { keys: both, keyCache: { lifetimeMs: 1, staleMs: 0 } });
    let isOver = false;
    let reads = 0;
    const reading = (async () => {
      while (!isOver) {
        await safetyPin.withSession(ann.sessionToken, async (tx) => {
          const { users, organizations } = createRepositories(tx);
          expect((await users.get(ann.userId)).email).toBe(ann.email);
          expect((await organizations.getCurrent()).billingEmail).toBe(BILLS);
          reads += 1;
        });
      }
    })();

    const steps = await moveEndedAtEveryStep(both).finally(() => (isOver = true));
    await reading;
    await safetyPin.close();

    // The list of keys; and for each the share rewrapped, opened again, compared and kept.
    expect(steps).toBeGreaterThanOrEqual(1 + 2 * 2);
    expect(reads).toBeGreaterThan(0);
    expect(await kinds()).toEqual([kind, kind]);
    // The one before may go.
    expect(await readWith(next())).toEqual([ann.email, BILLS]);
    await expect(readWith(before())).rejects.toMatchObject({ message: expect.stringContaining(`was wrapped by ${kind}`) });
  });

  it("leave a record of each, and of no share more than once for each move", async () => {
    const { rows } = await db.admin.query<{ provider: string; count: number }>(
      `select additional_data ->> 'provider' as provider, count(*)::integer as count
       from auth_audit_logs where event_type = 'key.rewrapped' group by 1 order by 1`,
    );
    expect(rows).toEqual([
      { provider: "aws-kms", count: 4 },
      { provider: "azure-key-vault", count: 2 },
      { provider: "gcp-kms", count: 2 },
    ]);
  });
});

/*
 * Whoever founds an organization says what its share is. Eve founds one after another whose
 * share is rubbish, before ann founds hers: no key but eve's own is left behind.
 */
describe("shares that are rubbish", () => {
  const db = useDatabase();
  let aws: AwsKmsServer;

  beforeAll(async () => {
    aws = await startAwsKms();
    aws.addIdentity(identity);
  });
  afterAll(() => aws.stop());

  it("are left and named, and hold up nobody else's", async () => {
    const arn = aws.createKey("eu-central-1");
    const safetyPin = await connectForTest(db);
    const eve = await newPerson(db, "eve");
    const {
      rows: [ofCell],
    } = await db.admin.query<{ name: string }>("select key_name as name from tenant_keys");
    const rubbish = [
      { provider: "local-key-file", name: ofCell!.name, bytes: randomBytes(60), says: /does not open this share/ },
      { provider: "local-key-file", name: ofCell!.name, bytes: randomBytes(1), says: /\S/ },
      { provider: "a-box-of-eves", name: "1", bytes: randomBytes(60), says: /was wrapped by a-box-of-eves/ },
      { provider: "aws-kms", name: arn.replace("eu-central-1", "eu-west-9"), bytes: randomBytes(60), says: /not configured|not the key/ },
      { provider: "aws-kms", name: "no-name", bytes: randomBytes(8192), says: /\S/ },
    ];
    for (const [place, { provider, name, bytes }] of rubbish.entries()) {
      const id = randomUUID();
      await safetyPin.withSession(eve.sessionToken, async (tx) => {
        const pad = await readPad({ query: tx.query.bind(tx) } as unknown as pg.ClientBase);
        await tx.query("select create_organization($1, 'Eve', $2)", [`eves-${String(place)}`, id]);
        await tx.query("select add_first_key($1, $2, $3, $4, $5)", [id, provider, name, bytes, maskShare(pad, randomBytes(32), id, 1)]);
      });
    }
    const ann = await newPerson(db, "ann");
    await safetyPin.withSession(ann.sessionToken, (tx) => createRepositories(tx).organizations.create({ slug: "acme", name: "Acme" }));
    await safetyPin.close();
    const kindsOf = async (name: string) =>
      (await db.admin.query(
        `select distinct provider from tenant_keys left join organizations on organizations.id = organization_id
         where coalesce(slug, 'acme') like $1 order by 1`, [name],
      )).rows.map(({ provider }: { provider: string }) => provider);

    const rewrap = (...args: string[]) =>
      runCli(
        ["keys", "rewrap", "--to", `aws-kms://${arn}?endpoint=${encodeURIComponent(aws.url)} file:${process.env["SAFETYPIN_KEY_FILE"]!}`, ...args],
        {
          env: {
            DATABASE_URL: db.connectionString("operator"),
            AWS_ACCESS_KEY_ID: identity.accessKeyId,
            AWS_SECRET_ACCESS_KEY: identity.secretAccessKey,
            AWS_CONFIG_FILE: join(folder, "none"),
            AWS_SHARED_CREDENTIALS_FILE: join(folder, "none"),
          },
        },
      );
    const dry = await rewrap("--dry-run");
    expect(dry).toMatchObject({ code: EXIT.left, stderr: expect.stringContaining("5 of 7 keys were left as they are") });
    expect(dry.stdout.match(/^would rewrap/gm)).toHaveLength(2);
    expect(dry.stdout.match(/^left {2}key 1 of organization /gm)).toHaveLength(5);
    expect(await kindsOf("acme")).toEqual(["local-key-file"]);

    const done = await rewrap("--json");
    expect(done.code).toBe(EXIT.left);
    const { keys } = JSON.parse(done.stdout) as { keys: { rewrapped: boolean; failure: string | null }[] };
    expect(keys.map(({ rewrapped }) => rewrapped)).toEqual([true, ...rubbish.map(() => false), true]);
    for (const [place, { says }] of rubbish.entries()) expect(keys[place + 1]!.failure).toMatch(says);
    expect(await kindsOf("acme")).toEqual(["aws-kms"]);
    expect(await kindsOf("eves%")).toEqual(["a-box-of-eves", "aws-kms", "local-key-file"]);
    expect((await rewrap()).stdout.match(/^is {2}key/gm)).toHaveLength(2);

    // Where nothing answers, each would fail like that: it ends at once.
    await aws.stop();
    expect(await rewrap("--dry-run")).toMatchObject({ code: EXIT.failed });
    aws = await startAwsKms();
  });
});
