import { EXIT } from "../src/cli/exit-codes.js";
import { KeyProviderError } from "../src/errors.js";
import type { OrganizationId } from "../src/ids.js";
import type { KeyProvider } from "../src/keys/key-provider.js";
import { localKeyFile } from "../src/keys/local-key-file.js";
import { createRepositories, type Repositories } from "../src/repositories.js";
import type { SafetyPin } from "../src/safetypin.js";
import { runCli } from "./support/cli.js";
import { connectForTest, newPerson, type Person } from "./support/client.js";
import { useDatabase } from "./support/database.js";

jest.setTimeout(120_000);

const CONTACTS = { billingEmail: "bills@acme.example", technicalContactEmail: "helpdesk@acme.example" };

describe("the contacts of an organization", () => {
  const db = useDatabase();
  let safetyPin: SafetyPin;
  let ann: Person;
  let acme: OrganizationId;

  beforeAll(async () => {
    safetyPin = await connectForTest(db);
    ann = await newPerson(db, "ann");
  }, 60_000);
  afterAll(() => safetyPin.close());

  const asAnn = <Result>(work: (repositories: Repositories) => Promise<Result>, client = safetyPin) =>
    client.withSession(ann.sessionToken, (tx) => work(createRepositories(tx)));
  const keys = (...args: string[]) =>
    runCli(["keys", ...args], {
      env: { DATABASE_URL: db.connectionString("operator"), SAFETYPIN_KEY_FILE: process.env["SAFETYPIN_KEY_FILE"]! },
    });
  const keysOf = async (organizationId: string) =>
    (
      await db.admin.query<{ key: number; state: string }>(
        "select key_id as key, state from tenant_keys where organization_id = $1 order by 1",
        [organizationId],
      )
    ).rows;
  const under = async () =>
    (
      await db.admin.query<{ billing: number; technical: number }>(
        "select _key_id_of(billing_email) as billing, _key_id_of(technical_contact_email) as technical from organizations where id = $1",
        [acme],
      )
    ).rows[0];

  it("are sealed under the key that founding gives it, in the transaction that founds", async () => {
    acme = await asAnn(async ({ organizations }) => {
      const id = await organizations.create({ slug: "acme", name: "Acme" });
      await organizations.choose(id);
      expect(await organizations.getCurrent()).toMatchObject({ billingEmail: null, technicalContactEmail: null });
      expect(await organizations.update(CONTACTS)).toMatchObject({ name: "Acme", ...CONTACTS });
      return id;
    });

    expect(await keysOf(acme)).toEqual([{ key: 1, state: "active" }]);
    const { rows } = await db.admin.query<{ billing_email: Buffer; technical_contact_email: Buffer }>(
      "select billing_email, technical_contact_email from organizations where id = $1",
      [acme],
    );
    for (const value of [rows[0]!.billing_email, rows[0]!.technical_contact_email]) {
      expect(value.subarray(0, 6).toString("hex")).toBe("010100000001");
      expect(value.includes("acme")).toBe(false);
    }
    expect(await asAnn(({ organizations }) => organizations.get(acme))).toMatchObject(CONTACTS);
  });

  it("are refused by their rules, which name no value", async () => {
    for (const [changes, code] of [
      [{ billingEmail: "marked value" }, "billing_email_malformed"],
      [{ technicalContactEmail: "marked value" }, "technical_contact_email_malformed"],
      [{ billingEmail: 7 as unknown as string }, "text_invalid"],
    ] as const) {
      const refused: unknown = await asAnn(({ organizations }) => organizations.update(changes)).catch((error: unknown) => error);
      expect(refused).toMatchObject({ name: "RuleError", code });
      expect(JSON.stringify({ ...(refused as Error), message: (refused as Error).message })).not.toContain("marked");
    }
    expect(await asAnn(({ organizations }) => organizations.getCurrent())).toMatchObject(CONTACTS);
  });

  it("stay what they were when others change, and go when they are taken back", async () => {
    expect(await asAnn(({ organizations }) => organizations.update({ name: "Acme Health" }))).toMatchObject(CONTACTS);
    expect(await asAnn(({ organizations }) => organizations.update({ billingEmail: null }))).toMatchObject({
      billingEmail: null,
      technicalContactEmail: CONTACTS.technicalContactEmail,
    });
    await asAnn(({ organizations }) => organizations.update(CONTACTS));
  });

  it("are not there for whoever is not in it", async () => {
    const zoe = await newPerson(db, "zoe");
    await expect(
      safetyPin.withSession(zoe.sessionToken, (tx) => createRepositories(tx).organizations.find(acme)),
    ).resolves.toBeNull();
  });

  it("take a key that can be had; the rest of the organization does not", async () => {
    const gone: KeyProvider = {
      ...localKeyFile({ environment: "test" }),
      unwrap: () => Promise.reject(new KeyProviderError("kms_unavailable", "on purpose")),
      generate: () => Promise.reject(new KeyProviderError("kms_unavailable", "on purpose")),
    };
    const client = await connectForTest(db, { keys: gone });
    try {
      await expect(asAnn(({ organizations }) => organizations.getCurrent(), client)).rejects.toMatchObject({ code: "kms_unavailable" });
      expect(await asAnn(({ organizations }) => organizations.countMembers(), client)).toBe(1);

      // Nobody founds what could seal nothing.
      const before = await asAnn(({ organizations }) => organizations.listOwn());
      await expect(
        asAnn(({ organizations }) => organizations.create({ slug: "keyless", name: "Keyless" }), client),
      ).rejects.toMatchObject({ code: "kms_unavailable" });
      expect(await asAnn(({ organizations }) => organizations.listOwn())).toEqual(before);
    } finally {
      await client.close();
    }
  });

  it("are sealed anew when the organization's key rotates", async () => {
    expect(await keys("rotate", "--organization", acme, "--json")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/"reencrypted": ?2/),
    });
    expect(await keysOf(acme)).toEqual([
      { key: 1, state: "retired" },
      { key: 2, state: "active" },
    ]);
    expect(await under()).toEqual({ billing: 2, technical: 2 });
    expect(await asAnn(({ organizations }) => organizations.getCurrent())).toMatchObject(CONTACTS);
    await asAnn(({ organizations }) => organizations.update({ billingEmail: "accounts@acme.example" }));
    expect(await under()).toEqual({ billing: 2, technical: 2 });
  });

  it("wait for the operator where an organization was founded without a key", async () => {
    const founded = await safetyPin.withSession(ann.sessionToken, async (tx) => {
      const { rows } = await tx.query("select create_organization('plain', 'Plain') as id");
      return (rows[0] as { id: OrganizationId }).id;
    });
    const inPlain = <Result>(work: (repositories: Repositories) => Promise<Result>) =>
      safetyPin.withSession(ann.sessionToken, (tx) => work(createRepositories(tx)), { organizationId: founded });

    expect(await inPlain(({ organizations }) => organizations.update({ name: "Plain Clinic" }))).toMatchObject({ billingEmail: null });
    await expect(inPlain(({ organizations }) => organizations.update(CONTACTS))).rejects.toMatchObject({
      code: "key_not_found",
      remedy: expect.stringContaining("safetypin keys init"),
    });
    expect(await keys("rotate", "--organization", founded)).toMatchObject({
      code: EXIT.failed,
      stderr: expect.stringContaining(`safetypin keys init --organization ${founded}`),
    });
    expect(await keys("init", "--organization", founded, "--dry-run")).toMatchObject({ stdout: expect.stringContaining("would make") });
    expect(await keys("init", "--organization", founded)).toMatchObject({ code: 0, stdout: expect.stringContaining(founded) });
    expect(await keys("init", "--organization", founded)).toMatchObject({ code: 0, stdout: expect.stringContaining("nothing to do") });
    expect(await inPlain(({ organizations }) => organizations.update(CONTACTS))).toMatchObject(CONTACTS);
  });
});
