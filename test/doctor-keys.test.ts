import { chmod, copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { examine } from "../src/doctor/doctor.js";
import type { Finding } from "../src/doctor/finding.js";
import { checkKeys } from "../src/doctor/keys-check.js";
import { checkMasterKeys } from "../src/doctor/master-keys-check.js";
import { checkKeyShares } from "../src/doctor/key-shares-check.js";
import { KeyProviderError } from "../src/errors.js";
import { rotateKeyFile } from "../src/keys/key-file.js";
import type { KeyProvider } from "../src/keys/key-provider.js";
import { localKeyFile } from "../src/keys/local-key-file.js";
import type { Environment } from "../src/limits.js";
import { parseCellName } from "../src/migrations/cell.js";
import { takeTurn, turnAtKeys } from "../src/turns.js";
import { runCli } from "./support/cli.js";
import { newPerson } from "./support/client.js";
import { useDatabase } from "./support/database.js";
import { connect } from "./support/template.js";

/*
 * What `safetypin doctor` says of keys, on flaws that were made on purpose; and what it
 * says to do is done.
 */

jest.setTimeout(60_000);

const db = useDatabase();
const cell = parseCellName("safetypin");
const ACME = "0199a0c4-0000-7000-8000-00000000000a";
const [OWN, BEFORE] = ["1111abcd-12ab-34cd-56ef-1234567890ab", "2222abcd-12ab-34cd-56ef-1234567890ab"].map(
  (id) => `arn:aws:kms:eu-central-1:111122223333:key/${id}`,
) as [string, string];

const told = ({ severity, object, problem }: Finding) => `${severity} ${object} ${problem}`;

async function asMigrator<Result>(work: (client: Awaited<ReturnType<typeof connect>>) => Promise<Result>): Promise<Result> {
  const client = await connect(db.connectionString("migrator"));
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const lookAtKeys = async (keyAgeDays?: number) => (await asMigrator((client) => checkKeys(client, { cell }, { keyAgeDays }))) ?? [];

async function lookAtMasterKeys(keys?: string, environment: Environment = "test"): Promise<readonly Finding[]> {
  const answer = await asMigrator((client) => checkMasterKeys(client, { cell, environment }, { keys }));
  if ("reason" in answer) throw new Error(answer.reason);
  return answer.findings;
}

/** What the flaw is, past every rule that would keep somebody from making it. */
async function break_(sql: string): Promise<void> {
  await db.admin.query(
    `begin;
     alter table tenant_keys disable trigger _500_only_forward;
     alter table blind_index_versions disable trigger _500_only_forward;
     ${sql};
     alter table tenant_keys enable always trigger _500_only_forward;
     alter table blind_index_versions enable always trigger _500_only_forward;
     commit`,
  );
}

/** Another key of the cell, or of an organization, like its first. */
const anotherKey = (id: number, state: string, changes: Readonly<Record<string, string>> = {}) => {
  const times = ["activation_time", "decrypt_only_time", "retirement_time", "destruction_time"].slice(
    0,
    ["pending", "active", "decrypt_only", "retired", "destroyed"].indexOf(state),
  );
  const values: Record<string, string> = {
    key_id: String(id),
    state: `'${state}'`,
    provider: "provider",
    key_name: "key_name",
    wrapped: "wrapped",
    check_value: "check_value",
    creation_time: "now() - interval '1 hour'",
    ...Object.fromEntries(times.map((name) => [name, "now() - interval '1 hour'"])),
    ...changes,
  };
  return `insert into tenant_keys (${Object.keys(values).join(", ")})
    select ${Object.values(values).join(", ")} from tenant_keys where organization_id is null and key_id = 1`;
};

afterEach(async () => {
  await break_(`
    delete from blind_index_versions where version > 1;
    delete from tenant_keys where key_id > 1 or organization_id is not null;
    update tenant_keys set
      state = 'active', activation_time = now(), decrypt_only_time = null,
      provider = 'local-key-file', key_name = coalesce((select key_name from kept), key_name)
  `);
});

beforeAll(async () => {
  await db.admin.query("create table kept as select key_name from tenant_keys where organization_id is null");
});

test("a cell in order has no finding, and who may not look is told", async () => {
  expect(await lookAtKeys()).toEqual([]);
  expect(await lookAtMasterKeys()).toEqual([]);

  const client = await connect(db.connectionString("operator"));
  try {
    expect(await checkKeys(client, { cell })).toBeUndefined();
    expect(await checkMasterKeys(client, { cell, environment: "test" }, {})).toEqual({ reason: "connect as safetypin_migrator" });
  } finally {
    await client.end();
  }
});

describe("a key", () => {
  test("that is older than it was to be", async () => {
    await break_("update tenant_keys set activation_time = now() - interval '400 days'");
    const [finding, ...others] = await lookAtKeys();
    expect(others).toEqual([]);
    expect(told(finding!)).toBe("warning key 1 of the cell seals for 400 days, and was to for 365 at most");
    expect(finding!.remedy).toBe("safetypin keys rotate --cell safetypin");
    expect(await lookAtKeys(401)).toEqual([]);

    // … and by the command, as its user is told.
    const { stdout } = await runCli(["doctor", "--key-age", "30", "--json"], {
      env: { DATABASE_URL: db.connectionString("migrator"), SAFETYPIN_KEY_FILE: process.env["SAFETYPIN_KEY_FILE"]! },
    });
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    expect(findings.filter(({ check }) => check === "keys")).toEqual([
      { ...finding, problem: "seals for 400 days, and was to for 30 at most" },
    ]);
  });

  test("that the database makes for itself, older than it was to be", async () => {
    await db.admin.query("update context_keys set creation_time = now() - interval '400 days'; update digest_keys set creation_time = now() - interval '400 days'");
    try {
      const findings = await lookAtKeys();
      expect(findings.map(told)).toEqual(
        ["contexts", "digests", "refresh tokens"].map(
          (what) => `warning key for ${what} is in use for 400 days, and was to be for 365 at most`,
        ),
      );
      const [context, digest, refresh] = findings.map(({ remedy }) => remedy);
      expect(digest).toBe("safetypin keys rotate --digest --cell safetypin");
      for (const remedy of [context, refresh]) {
        await db.pool("operator").query(remedy!.replace("as safetypin_operator_login: ", ""));
      }
      const [, ...args] = digest!.split(" ");
      const env = { DATABASE_URL: db.connectionString("operator"), SAFETYPIN_KEY_FILE: process.env["SAFETYPIN_KEY_FILE"]! };
      expect(await runCli(args, { env })).toMatchObject({ code: 0 });
      expect(await lookAtKeys()).toEqual([]);

      // Rotated, and left.
      const ann = await newPerson(db, "ann");
      await db.admin.query("update digest_keys set retired_time = now() - interval '1 hour' where retired_time is not null");
      await db.admin.query(
        `insert into sign_in_throttles (id, key_id, kind, user_id, last_failure_time)
         select gen_random_uuid(), id, 'account', $1, now() from digest_keys where retired_time is not null`,
        [ann.userId],
      );
      const [unfinished, ...others] = await lookAtKeys();
      expect(others).toEqual([]);
      expect(told(unfinished!)).toBe(
        "warning key for digests was rotated, and failures of 1 people are counted under the one before: a rotation is not over",
      );
      expect(await runCli(unfinished!.remedy.split(" ").slice(1), { env })).toMatchObject({ code: 0 });
      expect(await lookAtKeys()).toEqual([]);

      // Long over, and never swept.
      await db.admin.query("update digest_keys set retired_time = now() - interval '40 days' where retired_time is not null");
      const [left] = await lookAtKeys();
      expect(told(left!)).toBe("warning key for digests was rotated 40 days ago, and the one before is still there");
      expect(await runCli(left!.remedy.split(" ").slice(1), { env })).toMatchObject({ code: 0 });
      expect(await lookAtKeys()).toEqual([]);
    } finally {
      await db.admin.query("update context_keys set creation_time = now(); update digest_keys set creation_time = now()");
    }
  });

  test.each([
    ["was never activated", {}],
    ["was never proven", { check_value: "'\\x0000000000000000'" }],
  ])("that is pending and %s, unless somebody rotates now", async (what, changes) => {
    await break_(anotherKey(2, "pending", changes));
    expect((await lookAtKeys()).map(told)).toEqual([
      expect.stringMatching(new RegExp(`^warning key 2 of the cell is pending since .* UTC, and ${what}: a rotation is not over$`)),
    ]);

    const operator = await connect(db.connectionString("operator"));
    try {
      await takeTurn(operator, turnAtKeys(cell), { waitMs: 0 });
      expect(await lookAtKeys()).toEqual([]);
    } finally {
      await operator.end();
    }
    await break_("update tenant_keys set creation_time = now() where state = 'pending'");
    expect(await lookAtKeys()).toEqual([]);
  });

  test("that only opens, and under which nothing is left: the command it names retires it", async () => {
    await break_(anotherKey(2, "decrypt_only"));
    const [finding, ...others] = await lookAtKeys();
    expect(others).toEqual([]);
    expect(told(finding!)).toMatch(/^info key 2 of the cell only opens since \S+, and nothing is sealed under it any more$/);

    const [, ...args] = finding!.remedy.split(" ");
    const { code } = await runCli(args, { env: { DATABASE_URL: db.connectionString("operator") } });
    expect(code).toBe(0);
    expect(await lookAtKeys()).toEqual([]);
    const { rows } = await db.admin.query("select state from tenant_keys where key_id = 2");
    expect(rows).toEqual([{ state: "retired" }]);
  });

  test("that only opens, and under which something is", async () => {
    // The cell's own indexes are made under its first key.
    await break_(`update tenant_keys set state = 'decrypt_only', decrypt_only_time = now() - interval '1 hour'; ${anotherKey(2, "active")}`);
    expect(await lookAtKeys()).toEqual([]);
  });

  test("that the cell lacks: there are some and none seals", async () => {
    await break_("update tenant_keys set state = 'decrypt_only', decrypt_only_time = now()");
    const [finding, ...others] = await lookAtKeys();
    expect(others).toEqual([]);
    expect(told(finding!)).toBe("critical cell safetypin has keys, and none that seals: nobody registers or changes a password");
  });

  test("that an organization lacks about which something is sealed", async () => {
    await db.admin.query(`
      begin;
      set local role safetypin_owner;
      create table notes (id uuid primary key, organization_id uuid not null, note bytea);
      comment on column notes.note is 'What it says. [sealed]';
      alter table notes enable row level security;
      create policy select_keyholder on notes for select to safetypin_keyholder using (true);
      select _declare_sealed_field('notes', 'note', 9102, 'organization', 'application', 200, 'For this test.');
      commit`);
    await db.admin.query("alter table notes disable trigger user");
    await db.admin.query("insert into organizations (id, name, slug) values ($1, 'Acme', 'acme-0001')", [ACME]);
    await db.admin.query("insert into notes values (gen_random_uuid(), $1, '\\x010100000001')", [ACME]);
    try {
      const [lost, ...others] = await lookAtKeys();
      expect(others).toEqual([]);
      expect(told(lost!)).toBe(
        `critical organization ${ACME} has sealed values, such as notes.note, and its keys are not in tenant_keys: they open no more`,
      );
      await break_(anotherKey(1, "decrypt_only", { organization_id: `'${ACME}'` }));
      const [keyless] = await lookAtKeys();
      expect(told(keyless!)).toBe(`critical organization ${ACME} has sealed values, such as notes.note, and no key that seals`);
      expect(keyless!.remedy).toBe(`safetypin keys rotate --organization ${ACME} --cell safetypin`);
      await break_(`update tenant_keys set state = 'active', decrypt_only_time = null where organization_id = '${ACME}'`);
      expect(await lookAtKeys()).toEqual([]);
    } finally {
      await db.admin.query("delete from sealed_fields where table_name = 'notes'; drop table notes");
    }
  });
});

test.each(["dual", "backfill", "cutover", "fading"])("a version of the blind indexes that was left in its phase %s", async (phase) => {
  // Only one version is looked up: of a cutover the one before fades.
  if (phase === "cutover") await break_("update blind_index_versions set phase = 'ended'");
  await break_(`insert into blind_index_versions (version, key_id, phase, phase_time) values (2, 1, '${phase}', now() - interval '1 hour')`);
  try {
    const [finding, ...others] = await lookAtKeys();
    expect(others).toEqual([]);
    expect(told(finding!)).toContain(`warning version 2 of the blind indexes of the cell is in its phase ${phase} since`);
    expect(finding!.remedy).toBe("safetypin keys rotate --cell safetypin");
  } finally {
    await break_("delete from blind_index_versions where version = 2; update blind_index_versions set phase = 'steady'");
  }
});

describe("a cell without any key", () => {
  const empty = useDatabase({ template: "migrated" });

  const look = async (url: string) => {
    const client = await connect(url);
    try {
      return (await examine(client, { cell })).findings.filter(({ check }) => check === "keys");
    } finally {
      await client.end();
    }
  };

  test("is warned of while it is new, with the command that makes it one", async () => {
    const [finding, ...others] = await look(empty.connectionString("migrator"));
    expect(others).toEqual([]);
    expect(told(finding!)).toBe("warning cell safetypin has no key: nobody can register");
    expect(finding!.remedy).toBe("safetypin keys init --cell safetypin");
  });

  test("is critical once there are people in it", async () => {
    await newPerson(db, "ann");
    await break_("create table gone as select * from tenant_keys; create table ended as select * from blind_index_versions; delete from blind_index_versions; delete from tenant_keys");
    try {
      const [finding, ...others] = await look(db.connectionString("migrator"));
      expect(others).toEqual([]);
      expect(told(finding!)).toBe(
        "critical cell safetypin has sealed values, such as users.email, and its keys are not in tenant_keys: they open no more",
      );
    } finally {
      for (const [table, kept] of [["tenant_keys", "gone"], ["blind_index_versions", "ended"]] as const) {
        const { rows } = await db.admin.query<{ columns: string }>(
          `select string_agg(quote_ident(attname), ', ') as columns from pg_attribute
           where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
          [table],
        );
        const [{ columns }] = rows as [{ columns: string }];
        await break_(`insert into ${table} (${columns}) select ${columns} from ${kept}; drop table ${kept}`);
      }
    }
  });
});

describe("a share that does not open", () => {
  const look = async (keys?: string, environment: Environment = "test") =>
    asMigrator((client) => checkKeyShares(client, { cell, environment }, { keys }));
  const found = async (environment?: Environment) => {
    const answer = await look(undefined, environment);
    if ("reason" in answer) throw new Error(answer.reason);
    return answer.findings;
  };
  const wrap = async (organizationId: string | null, keyId: number) => {
    const { rows } = await db.admin.query<{ id: string }>("select id from cell_settings");
    const { wrapped } = await localKeyFile({ environment: "test" }).generate({ cellId: rows[0]!.id, organizationId, keyId });
    return wrapped;
  };
  const hex = (bytes: Buffer) => `'\\x${bytes.toString("hex")}'`;

  test("is named with its key, and what brings it back", async () => {
    expect(await found()).toEqual([]);
    await break_(anotherKey(2, "decrypt_only", { wrapped: hex(Buffer.alloc(61, 7)) }));
    const [finding, ...others] = await found();
    expect(others).toEqual([]);
    expect(told(finding!)).toMatch(/^warning key 2 of the cell is decrypt_only, and its share does not open: the key file:\w+ does not open this share/);
    expect(finding!.remedy).toContain("safetypin keys rewrap --copy DATABASE --cell safetypin");

    // … and by the command, as its user is told.
    const { stdout } = await runCli(["doctor", "--json"], {
      env: { DATABASE_URL: db.connectionString("migrator"), SAFETYPIN_KEY_FILE: process.env["SAFETYPIN_KEY_FILE"]! },
    });
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    expect(findings.filter(({ check }) => check === "key-shares")).toEqual([finding]);
  });

  test("is as bad where it opens, and is another key's", async () => {
    const { bytes, keyName } = await wrap(null, 2);
    await break_(anotherKey(2, "pending", { wrapped: hex(bytes), key_name: `'${keyName}'` }));
    const [finding, ...others] = await found();
    expect(others).toEqual([]);
    expect(told(finding!)).toBe(
      "warning key 2 of the cell is pending, and its share does not open: this is not the share of key 2: what was wrapped is another's",
    );
    expect(finding!.remedy).toBe("safetypin keys rotate --cell safetypin");
  });

  test("stops everybody where it is the one that seals", async () => {
    const { rows } = await db.admin.query<{ wrapped: Buffer }>("select wrapped from tenant_keys where organization_id is null and key_id = 1");
    await break_(`update tenant_keys set wrapped = ${hex((await wrap(null, 1)).bytes)} where organization_id is null and key_id = 1`);
    try {
      expect((await found()).map(({ severity, object }) => `${severity} ${object}`)).toEqual(["warning key 1 of the cell"]);
      const provider = { ...localKeyFile({ environment: "test" }), isForDevelopment: false };
      const answer = await asMigrator((client) => checkKeyShares(client, { cell, environment: "production" }, { keys: provider }));
      expect(answer).toMatchObject({ findings: [{ severity: "critical", object: "key 1 of the cell" }] });
    } finally {
      await break_(`update tenant_keys set wrapped = ${hex(rows[0]!.wrapped)} where organization_id is null and key_id = 1`);
    }
  });

  test("is not looked for where nobody says what applications have, or the service does not let the doctor", async () => {
    expect(await look("", "production")).toEqual({ reason: expect.stringContaining("--keys") });
    const provider = localKeyFile({ environment: "test" });
    for (const code of ["kms_unavailable", "kms_credentials_rejected", "master_key_access_denied"] as const) {
      const refusing: KeyProvider = { ...provider, unwrap: async () => Promise.reject(new KeyProviderError(code, "not from here")) };
      const answer = await asMigrator((client) => checkKeyShares(client, { cell, environment: "test" }, { keys: refusing }));
      expect(answer).toEqual({ reason: "no share could be unwrapped from here: not from here" });
    }
    const client = await connect(db.connectionString("app"));
    try {
      expect(await checkKeyShares(client, { cell, environment: "test" }, {})).toEqual({ reason: "connect as safetypin_migrator" });
    } finally {
      await client.end();
    }
  });
});

describe("a master key", () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "safetypin-doctor-"));
    file = join(folder, "keys.json");
    await copyFile(process.env["SAFETYPIN_KEY_FILE"]!, file);
    await chmod(file, 0o600);
  });
  afterEach(() => rm(folder, { recursive: true }));

  const wrapBy = (name: string) => break_(`update tenant_keys set provider = 'aws-kms', key_name = '${name}'`);

  test("that is in a file", async () => {
    expect(await lookAtMasterKeys(`file:${file}`)).toEqual([]);

    await chmod(file, 0o640);
    expect((await lookAtMasterKeys(`file:${file}`)).map(({ severity, problem, remedy }) => [severity, problem, remedy])).toEqual([
      ["warning", `opens no key: others than its owner may use the key file ${file}`, expect.stringContaining(`chmod 600 ${file}`)],
    ]);
    await chmod(file, 0o600);

    await rotateKeyFile(file);
    const [finding] = await lookAtMasterKeys(`file:${file}`);
    expect(told(finding!)).toMatch(/^warning key 1 of the cell is still wrapped by file:\w+, which only opens: rewrapping is not over$/);
    const [, ...args] = finding!.remedy.split(" ");
    const { code } = await runCli(args, { env: { DATABASE_URL: db.connectionString("operator"), SAFETYPIN_KEYS: `file:${file}` } });
    expect(code).toBe(0);
    expect(await lookAtMasterKeys(`file:${file}`)).toEqual([]);

    await rm(file);
    expect((await lookAtMasterKeys(`file:${file}`)).map(told)).toEqual([
      expect.stringMatching(/^warning key 1 of the cell was wrapped by file:\w+ of local-key-file, which is not configured/),
    ]);
  });

  test("that is in a file, in production", async () => {
    expect((await lookAtMasterKeys(`aws-kms://${OWN}`, "production")).map(told)).toEqual([
      expect.stringMatching(/^critical key 1 of the cell was wrapped by file:\w+, a key in a file, which production does not open$/),
    ]);
    await wrapBy(OWN);
    expect((await lookAtMasterKeys(`file:${file}`, "production")).map(told)).toEqual([
      "critical setting SAFETYPIN_KEYS opens no key: a production cell cannot take its keys from local-key-file",
    ]);
  });

  test("that is another than the one that is configured", async () => {
    await wrapBy(BEFORE);
    expect(await lookAtMasterKeys(`aws-kms://${BEFORE}`, "production")).toEqual([]);

    const [finding, ...others] = await lookAtMasterKeys(`aws-kms://${OWN}`, "production");
    expect(others).toEqual([]);
    expect(told(finding!)).toBe(
      `critical key 1 of the cell was wrapped by ${BEFORE} of aws-kms, which is not configured: it opens no more once memory forgets it`,
    );
    expect(finding!.remedy).toContain(`?also=${BEFORE}`);

    expect((await lookAtMasterKeys(`aws-kms://${OWN}?also=${BEFORE}`, "production")).map(told)).toEqual([
      `warning key 1 of the cell is still wrapped by ${BEFORE}, which only opens: rewrapping is not over`,
    ]);
    // Of another service; and of an old key that is needed for old backups alone.
    expect((await lookAtMasterKeys("gcp-kms://projects/p/locations/l/keyRings/r/cryptoKeys/k", "production")).map(told)).toEqual([
      expect.stringContaining("which is not configured"),
    ]);
    // Beside it: on its way from one service to the other.
    expect((await lookAtMasterKeys(`gcp-kms://projects/p/locations/l/keyRings/r/cryptoKeys/k aws-kms://${BEFORE}`, "production")).map(told)).toEqual([
      `warning key 1 of the cell is still wrapped by ${BEFORE}, which only opens: rewrapping is not over`,
    ]);
    await wrapBy(OWN);
    await break_(anotherKey(2, "retired", { key_name: `'${BEFORE}'` }));
    expect((await lookAtMasterKeys(`aws-kms://${OWN}`, "production")).map(({ severity, object }) => `${severity} ${object}`)).toEqual([
      "warning key 2 of the cell",
    ]);
  });

  test("that whoever founded an organization named is nothing to configure because they did", async () => {
    await wrapBy(OWN);
    const founded = (provider: string, name: string) =>
      break_(anotherKey(1, "active", {
        organization_id: "(select id from organizations order by id limit 1)", provider: `'${provider}'`, key_name: `'${name}'`,
      }));
    for (const [provider, name] of [["aws-kms", BEFORE], ["local-key-file", "file:theirs"], ["azure-key-vault", "https://theirs.example/keys/k"]] as const) {
      await founded(provider, name);
      const [finding, ...others] = await lookAtMasterKeys(`aws-kms://${OWN}`, "production");
      expect(others).toEqual([]);
      expect(told(finding!)).toMatch(/^critical key 1 of organization \S+ was wrapped by \S+ of \S+, which is not configured/);
      expect(finding!.remedy).not.toContain(name);
      expect(finding!.remedy).not.toMatch(/\?also=|anew/);
      expect(finding!.remedy).toContain("Whoever founded the organization");
      await break_("delete from tenant_keys where organization_id is not null");
    }
  });

  test("that nobody named to the doctor of a production cell is not judged", async () => {
    await wrapBy(OWN);
    const answer = await asMigrator((client) => checkMasterKeys(client, { cell, environment: "production" }, { keys: "" }));
    expect(answer).toEqual({ reason: expect.stringContaining("--keys") });
  });

  test("whose address is none", async () => {
    await wrapBy(OWN);
    expect((await lookAtMasterKeys("aws-kms://alias/safetypin", "production")).map(({ severity, object }) => `${severity} ${object}`)).toEqual([
      "critical setting SAFETYPIN_KEYS",
    ]);
  });
});
