import { randomUUID } from "node:crypto";

import { EXIT } from "../src/cli/exit-codes.js";
import { openInClient, sealInClient } from "../src/keys/client-sealing.js";
import { localKeyFile } from "../src/keys/local-key-file.js";
import { declareSealedFields } from "../src/sealed-fields.js";
import { outcome, runCli, startCli, type CliResult } from "./support/cli.js";
import { useDatabase } from "./support/database.js";

jest.setTimeout(120_000);

const FIELD = 9201;
const { "service_tokens.token": TOKEN } = declareSealedFields({
  "service_tokens.token": { fieldId: FIELD, scope: "cell", algorithm: 2 },
});
const COUNT = 30;

/** A table of an application of ours: tokens of another service, which SQL has no use for. */
const TOKENS = `
  begin;
    set local role safetypin_owner;
    create table service_tokens (id uuid primary key, token bytea);
    comment on column service_tokens.token is 'What another service takes. [sealed]';
    alter table service_tokens enable row level security;
    select _declare_sealed_field(
      'service_tokens', 'token', ${FIELD}, 'cell', 'application', 200, 'For this test.', p_algorithm => 2
    );
  commit`;

describe("what clients seal, when its key rotates", () => {
  const db = useDatabase({ template: "pgtap" });
  const tokens = new Map<string, string>();

  const environment = () => ({
    DATABASE_URL: db.connectionString("operator"),
    SAFETYPIN_KEY_FILE: process.env["SAFETYPIN_KEY_FILE"]!,
  });
  const keys = (...args: string[]): Promise<CliResult> => runCli(["keys", ...args], { env: environment() });
  const place = (rowId: string) => ({ field: TOKEN, organizationId: null, rowId });

  /** The share of a key of the cell, as any client gets it. */
  async function shareOf(keyId: number): Promise<Buffer> {
    const { rows } = await db.admin.query<{ cellId: string; keyName: string; bytes: Buffer }>(
      `select cell_settings.id as "cellId", key_name as "keyName", wrapped as bytes
       from cell_settings, tenant_keys where organization_id is null and key_id = $1`,
      [keyId],
    );
    const { cellId, keyName, bytes } = rows[0]!;
    return localKeyFile({ environment: "test" }).unwrap({ keyName, bytes }, { cellId, organizationId: null, keyId });
  }

  /** Under which keys the values are; each has to open to what it was. */
  async function underWhichKeys(): Promise<Record<number, number>> {
    const { rows } = await db.admin.query<{ id: string; token: Buffer; keyId: number }>(
      'select id, token, _key_id_of(token) as "keyId" from service_tokens',
    );
    const counts: Record<number, number> = {};
    for (const { id, token, keyId } of rows) {
      expect(openInClient(await shareOf(keyId), place(id), token)?.toString()).toBe(tokens.get(id));
      counts[keyId] = (counts[keyId] ?? 0) + 1;
    }
    expect(rows).toHaveLength(tokens.size);
    return counts;
  }

  beforeAll(async () => {
    await db.admin.query(TOKENS);
    expect(await keys("init")).toMatchObject({ code: 0 });
    const share = await shareOf(1);
    for (let number = 0; number < COUNT; number += 1) {
      const id = randomUUID();
      tokens.set(id, `token ${number}`);
      await db.admin.query("insert into service_tokens (id, token) values ($1, $2)", [
        id,
        sealInClient(share, 1, place(id), Buffer.from(`token ${number}`)),
      ]);
    }
  });

  /** Slow enough to be killed between two batches, however busy the machine is. */
  async function killedAt(sign: RegExp): Promise<CliResult> {
    const child = startCli(["keys", "rotate", "--batch", "5", "--rows-per-second", "2"], { env: environment() });
    let said = "";
    child.stderr?.on("data", (text) => {
      said += String(text);
      if (sign.test(said)) setTimeout(() => child.kill("SIGKILL"), Math.random() * 20);
    });
    return outcome(child);
  }

  it("is sealed anew by whoever rotates, killed at every batch: nothing is lost, and nothing done twice", async () => {
    expect(await underWhichKeys()).toEqual({ 1: COUNT });
    expect((await keys("rotate", "--dry-run")).stdout).toContain(`would rotate  to key 2 of the cell: ${COUNT} values to seal anew`);

    expect((await killedAt(/^activate/m)).code).toBeNull();
    await db.admin.query("select tests.age_keys('pending', 'creation_time', '2 minutes')");
    let kills = 0;
    let last: CliResult;
    for (;;) {
      last = await killedAt(/rows\n/);
      await underWhichKeys();
      if (last.code !== null) break;
      kills += 1;
    }

    expect(last).toMatchObject({ code: 0, stdout: expect.stringContaining("retired: 1") });
    expect(kills).toBeGreaterThan(3);
    expect(await underWhichKeys()).toEqual({ 2: COUNT });
    const { rows } = await db.admin.query(
      `select sum((additional_data ->> 'count')::integer)::integer as count
       from auth_audit_logs where event_type = 'key.reencrypted' and additional_data @> '{"field_id": ${FIELD}}'`,
    );
    expect(rows).toEqual([{ count: COUNT }]);
  });

  it("ends a rotation where a value does not open, which says where, and goes on once it is settled", async () => {
    const [id] = tokens.keys();
    const { rows } = await db.admin.query<{ token: Buffer }>("select token from service_tokens where id = $1", [id]);
    const broken = Buffer.from(rows[0]!.token);
    broken.writeUInt8(broken.readUInt8(20) ^ 1, 20);
    await db.admin.query("update service_tokens set token = $2 where id = $1", [id, broken]);
    const rotating = keys("rotate", "--json");
    while ((await db.admin.query("select from tenant_keys where state = 'pending'")).rowCount === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    const refused = await rotating;
    expect(refused).toMatchObject({
      code: EXIT.failed,
      stderr: expect.stringContaining(`a value cannot be opened. It is service_tokens.token of row ${id}`),
    });

    await db.admin.query("update service_tokens set token = null where id = $1", [id]);
    tokens.delete(id!);
    expect(await keys("rotate", "--json")).toMatchObject({ code: 0 });
    const { 3: count, ...others } = await db.admin
      .query<{ keyId: number; count: number }>(
        'select _key_id_of(token) as "keyId", count(*)::integer as count from service_tokens where token is not null group by 1',
      )
      .then((answer) => Object.fromEntries(answer.rows.map((row) => [row.keyId, row.count])) as Record<number, number>);
    expect({ count, others }).toEqual({ count: COUNT - 1, others: {} });
  });
});
