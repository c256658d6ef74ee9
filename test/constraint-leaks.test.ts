import { randomBytes } from "node:crypto";
import { open, stat } from "node:fs/promises";

import type pg from "pg";

import { CONSTRAINTS } from "../src/constraints.js";
import { beginRequest, openSessions, sessionToken, userId } from "./support/actors.js";
import { useDatabase } from "./support/database.js";
import { findForms } from "./support/log-forms.js";
import { currentRun } from "./support/run.js";

/*
 * PostgreSQL says of a row that breaks a constraint what is in it, in a detail that goes to
 * the client and into the log: unless row-level security binds whoever writes. What is
 * sealed is checked by functions, which name the constraint and no value. Both are held
 * here: each constraint of the tables that say something of people is broken by each role
 * that may write there, and by what callers can say.
 */

jest.setTimeout(120_000);

const db = useDatabase({ template: "pgtap" });

/** Columns that say something of somebody, or prove something, as their comments tell. */
const DELICATE = String.raw`\[(personal|secret|sealed)\]$`;

/** What a client is told when something fails, all of it; and what the server logs meanwhile. */
interface Told {
  readonly code: string;
  readonly constraint: string | undefined;
  readonly all: string;
}

async function failing(work: Promise<unknown>): Promise<Told | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    const { code, constraint, column } = error as pg.DatabaseError;
    if (code === undefined) throw error;
    const all = JSON.stringify({ ...(error as Error), message: (error as Error).message, stack: (error as Error).stack });
    return { code, constraint: constraint ?? column, all };
  }
}

/** What the server wrote into its log since a moment, where we can read it. */
async function readLog(since: number): Promise<string> {
  const { logFile } = currentRun();
  if (logFile === undefined) return "";
  const file = await open(logFile);
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(size - since, 0)), 0, undefined, since);
    return buffer.subarray(0, bytesRead).toString("latin1");
  } finally {
    await file.close();
  }
}
const logSize = async () => {
  const { logFile } = currentRun();
  return logFile === undefined ? 0 : (await stat(logFile)).size;
};

const isIn = (text: string, value: string) => findForms(Buffer.from(text, "latin1"))(Buffer.from(value)).length > 0;

beforeAll(async () => {
  await db.admin.query("select tests.two_organizations()");
  await openSessions(db.admin, ["ann"], "acme");
});

describe("a row that breaks a constraint", () => {
  /** Something with a value in each column that has one. */
  const ROWS = `
    select tests.unlock();
    select tests.unlock('acme');
    update users
    set
      first_name = 'Marked-first-name-of-ann', last_name = 'Marked-last-name-of-ann', job_title = 'Marked-job-title-of-ann',
      avatar_url = 'https://marked.example/picture-of-ann', timezone = 'Marked/Timezone_Of_Ann',
      locale = 'de-Marked-Locale-Of-Ann', last_login_time = now(),
      phone_number = _seal_text(2, null, id, '+431234567', id)
    where id = tests.user_id('ann');
    update organizations
    set domain = 'marked.example', billing_email = _seal_text(3, id, id, 'bills@marked.example'), technical_contact_email = _seal_text(4, id, id, 'it@marked.example')
    where id = tests.organization_id('acme');
    update sessions set ip_address = '203.0.113.117', user_agent = 'Marked-agent-of-ann' where user_id = tests.user_id('ann');
    insert into auth_audit_logs (event_type, user_id, ip_address, user_agent, result)
    values ('session.opened', tests.user_id('ann'), '203.0.113.117', 'Marked-agent-of-ann', 'success');
    select from tests.begin_password_check('ann@example.com', '203.0.113.117');
    update password_attempts set user_agent = 'Marked-agent-of-ann';
    insert into access_attempt_logs (id, user_id, email, email_digest, ip_address, ip_index, user_agent, result)
    select id, user_id, email, email_digest, ip_address, ip_index, user_agent, 'invalid' from password_attempts;
    insert into messages (purpose, user_id, email_digest, next_attempt_time, creation_time, expiration_time, problem)
    values ('reset_password', tests.user_id('ann'), sha256('ann'), now(), now(), now() + interval '1 hour', 'Marked-problem-of-ann')`;

  interface Case {
    readonly table: string;
    readonly name: string;
    /** A check, a key (unique or primary), or a column that is not null. */
    readonly kind: "check" | "key" | "not null";
    /** Of the key, or the one. */
    readonly columns: readonly string[];
    readonly role: string;
    readonly updatable: readonly string[];
    readonly insertable: readonly string[];
  }

  /** Every constraint of every table that says something of people, with every role that may write into it. */
  const CASES = `
    with delicate as (
      select pg_class.oid, relname
      from pg_class
      where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and not relispartition
        and exists (
          select from pg_attribute
          where attrelid = pg_class.oid and attnum > 0 and col_description(attrelid, attnum) ~ '\\[(personal|sealed)\\]$'
        )
    ),
    rules as (
      select conrelid as relation, conname::text as name, 'check' as kind, '{}'::text[] as columns from pg_constraint where contype = 'c'
      union all
      select
        indrelid, relname::text, 'key',
        array(select attname::text from pg_attribute where attrelid = indrelid and attnum = any (indkey))
      from pg_index join pg_class on pg_class.oid = indexrelid
      where indisunique
      union all
      select attrelid, attname::text, 'not null', array[attname::text]
      from pg_attribute
      where attnum > 0 and attnotnull and not attisdropped and attgenerated = ''
    ),
    privileges as (
      select
        attrelid as relation, rolname::text as role,
        coalesce(array_agg(attname::text order by attnum) filter (where has_column_privilege(rolname, attrelid, attnum, 'update')), '{}') as updatable,
        coalesce(array_agg(attname::text order by attnum) filter (where has_column_privilege(rolname, attrelid, attnum, 'insert')), '{}') as insertable
      from pg_attribute
      cross join pg_roles
      where attnum > 0 and not attisdropped and attgenerated = ''
        -- The owner may, and row-level security leaves it no row.
        and rolname ~ '^safetypin_' and rolname !~ '_(login|owner|migrator)' and not rolcanlogin
      group by 1, 2
    )
    select relname as table, name, kind, columns, role, updatable, insertable
    from delicate
    join rules on rules.relation = delicate.oid
    join privileges on privileges.relation = delicate.oid
    where updatable <> '{}' or insertable <> '{}'
    order by 1, 3, 2, role`;

  const quoted = (names: readonly string[]) => names.map((name) => `"${name}"`).join(", ");

  /** Ways in which this role may break this rule, by a row that is there already. */
  function waysToBreak({ table, name, kind, columns, updatable, insertable }: Case): string[] {
    const may = (granted: readonly string[]) => columns.every((column) => granted.includes(column));
    const insert = (values: (column: string) => string) =>
      `insert into ${table} (${quoted(insertable)}) select ${insertable.map(values).join(", ")} from kept_${table} limit 1`;
    const same = (column: string) => `"${column}"`;
    switch (kind) {
      case "check":
        return [
          ...(updatable.length > 0 ? [`update ${table} set "${updatable[0]!}" = "${updatable[0]!}"`] : []),
          ...(insertable.length > 0 ? [insert(same)] : []),
        ];
      case "key":
        return [
          ...(may(updatable)
            ? [`update ${table} set ${columns.map((column) => `"${column}" = (select "${column}" from kept_${table} order by "${column}" limit 1)`).join(", ")}`]
            : []),
          // Of two keys the other one is another's.
          ...(may(insertable) ? [insert((column) => (column === "id" && !columns.includes("id") ? "new_id()" : same(column)))] : []),
        ];
      case "not null":
        return [
          ...(may(updatable) ? [`update ${table} set "${name}" = null`] : []),
          ...(may(insertable) ? [insert((column) => (column === name ? "null" : same(column)))] : []),
        ];
    }
  }

  /** Something that has the name of the check, and that no row passes. */
  const unpassable = ({ table, name, kind }: Case): string =>
    kind === "check" ? `alter table ${table} drop constraint "${name}"; alter table ${table} add constraint "${name}" check (false) not valid` : "select 1";

  const BROKEN = { check: "23514", key: "23505", "not null": "23502" } as const;

  it("is shown to nobody: not its values to who wrote it, nor to who reads the log", async () => {
    const client = await db.admin.connect();
    const since = await logSize();
    const reached = new Set<string>();
    const leaks: unknown[] = [];
    try {
      await client.query("begin");
      await client.query(ROWS);
      // They refuse what was sealed for another row before any constraint is asked; here what is asked are the constraints.
      await client.query(`
        do $$
        declare
          v_trigger record;
        begin
          for v_trigger in
            select tgrelid::regclass as relation, tgname from pg_trigger
            where tgparentid = 0 and tgname ~ '^_500_.*_is_sealed$' and tgrelid in (
              select pg_class.oid from pg_class where relnamespace = current_schema()::regnamespace
            )
          loop
            execute format('alter table %s disable trigger %I', v_trigger.relation, v_trigger.tgname);
          end loop;
        end $$`);
      const { rows: cases } = await client.query<Case>(CASES);
      const values = new Map<string, string[]>();
      for (const table of new Set(cases.map((one) => one.table))) {
        await client.query(`create temporary table kept_${table} on commit drop as select * from ${table}; grant select on kept_${table} to public`);
        const { rows } = await client.query<{ name: string; text: string }>(
          `select attname as name, to_jsonb(one) ->> attname as text
           from (select * from ${table}) as one
           cross join pg_attribute
           where attrelid = $1::regclass and attnum > 0 and col_description(attrelid, attnum) ~ $2`,
          [table, DELICATE],
        );
        // Long enough to be nothing else: a time zone is not, a name of ours is.
        values.set(table, [...new Set(rows.map(({ text }) => text).filter((text) => text !== null && text.length >= 12))]);
        expect([table, values.get(table)!.length > 0]).toEqual([table, true]);
      }

      for (const one of cases) {
        for (const statement of waysToBreak(one)) {
          await client.query("savepoint before");
          await client.query(unpassable(one));
          if (one.role === "safetypin_app") await client.query("select tests.act_as('ann', 'acme')");
          else await client.query(`set local role ${one.role}`);
          const told = await failing(client.query(statement));
          await client.query("rollback to before");
          if (told?.code !== BROKEN[one.kind] || told.constraint !== one.name) continue;
          reached.add(`${one.table} ${one.name}`);
          const shown = values.get(one.table)!.filter((value) => isIn(told.all, value));
          if (shown.length > 0 || /Failing row|Key \(/.test(told.all)) leaks.push([one.role, statement, told, shown]);
        }
      }
      const marks = [...values.values()].flat().filter((value) => /marked/i.test(value));
      expect(marks.length).toBeGreaterThan(8);
      const logged = await readLog(since);
      expect(marks.filter((mark) => isIn(logged, mark))).toEqual([]);

      // The same by somebody whom row-level security does not bind: that is seen in both.
      const check = cases.find(({ table, kind }) => table === "users" && kind === "check")!;
      await client.query("savepoint before");
      await client.query(unpassable(check));
      const seen = await failing(client.query("update users set email = email where id = tests.user_id('ann')"));
      await client.query("rollback to before");
      expect(marks.some((mark) => isIn(seen!.all, mark))).toBe(true);
      if (currentRun().logFile !== undefined) {
        const then = await readLog(since);
        expect(marks.some((mark) => isIn(then, mark))).toBe(true);
      }
      await client.query("rollback");
      expect(leaks).toEqual([]);

      // What no role of ours may set, it cannot break.
      const rules = new Set(cases.filter((one) => waysToBreak(one).length > 0).map(({ table, name }) => `${table} ${name}`));
      expect([...rules].filter((rule) => !reached.has(rule))).toEqual([]);
      expect(reached.size).toBeGreaterThan(80);
    } finally {
      client.release(true);
    }
  });
});

describe("what somebody says that breaks a rule", () => {
  const marker = randomBytes(12).toString("hex");
  const jsonOf = (value: unknown) => JSON.stringify(value);

  interface Said {
    readonly as?: "app" | "operator";
    readonly sql: string;
    readonly values: readonly unknown[];
  }

  /** One for each constraint that callers can break with words. */
  const SAID: Readonly<Record<string, Said>> = {
    organizations_billing_email_is_an_address: { sql: "select set_billing_email($1)", values: [`${marker} is none`] },
    organizations_technical_contact_email_is_an_address: { sql: "select set_technical_contact_email($1)", values: [`@${marker}`] },
    organizations_name_is_a_name: { sql: "update organizations set name = $1", values: [marker.repeat(10)] },
    organizations_settings_are_known: { sql: "update organizations set settings = $1", values: [jsonOf({ [marker]: marker })] },
    organizations_slug_is_kebab_case: { sql: "select create_organization($1, 'Name')", values: [`${marker} ${marker}`.slice(0, 40)] },
    organizations_slug_is_short: { sql: "select create_organization($1, 'Name')", values: [marker.repeat(4)] },
    organizations_subscription_tier_is_a_word: {
      as: "operator",
      sql: "select set_subscription(md5('organization:acme')::uuid, $1, 5)",
      values: [`${marker} ${marker}`],
    },
    password_attempts_proof_is_a_digest: { sql: "select submit_password_proof($1, $2)", values: [undefined, marker] },
    password_credentials_digest_is_bcrypt: {
      sql: `select tests.register_user($1, $2, 'New', 'Person', $3, $3, (read_password_policy()).version)`,
      values: [userId("new"), "new@example.com", `$2a$12$${marker}`],
    },
    sessions_session_data_is_a_small_object: { sql: "select set_session_data($1)", values: [jsonOf([marker])] },
    users_avatar_url_is_https: { sql: "update users set avatar_url = $1", values: [`http://${marker}`] },
    users_email_is_an_address: {
      sql: `select tests.register_user($1, $2, 'New', 'Person', tests.password_digest(), tests.history_digest(), (read_password_policy()).version)`,
      values: [userId("new"), `${marker} is none`],
    },
    users_first_name_is_a_name: { sql: "update users set first_name = $1", values: [marker.repeat(10)] },
    users_last_name_is_a_name: { sql: "update users set last_name = $1", values: [`${marker}\n`] },
    users_job_title_is_short: { sql: "update users set job_title = $1", values: [marker.repeat(10)] },
    users_locale_is_a_language_tag: { sql: "update users set locale = $1", values: [marker] },
    users_phone_number_is_e164: { sql: "select set_own_phone_number($1)", values: [marker] },
    users_timezone_is_a_name: { sql: "update users set timezone = $1", values: [`${marker} ${marker}`] },
  };

  /** Broken by ids, numbers, sealed values and random bytes of the caller's own, and not by words. */
  const WORDLESS = [
    "organizations_have_room",
    "organizations_id_is_not_the_cells",
    "organizations_keep_an_owner",
    "organizations_max_users_is_positive",
    "organizations_pkey",
    "organizations_slug_key",
    "password_credentials_history_salt_is_bcrypt",
    "password_history_digest_is_bcrypt",
    "sessions_organization_id_user_id_fkey",
    "sessions_token_hash_is_a_digest",
    "sessions_token_hash_key",
    "users_id_is_somebodys",
    "users_pkey",
    "users_who_are_shredded_have_no_address",
  ];

  it("is said for every rule of a table that says something of people", async () => {
    const { rows } = await db.admin.query<{ name: string }>(
      `with delicate as (
         select distinct attrelid, relname
         from pg_attribute join pg_class on pg_class.oid = attrelid
         where relnamespace = current_schema()::regnamespace and not relispartition and relkind in ('r', 'p')
           and attnum > 0 and col_description(attrelid, attnum) ~ '\\[(personal|sealed)\\]$'
       )
       select conname as name from pg_constraint join delicate on attrelid = conrelid
       union
       select constraint_name from sealed_fields`,
    );
    const sayable = rows.map(({ name }) => name).filter((name) => name in CONSTRAINTS);
    expect([...Object.keys(SAID), ...WORDLESS].sort()).toEqual(sayable.sort());
  });

  /** An attempt that waits for its proof. */
  async function beginAttempt(): Promise<string> {
    const { rows } = await db.app.query<{ id: string }>("select attempt_id as id from tests.begin_password_check('bob@example.com')");
    return rows[0]!.id;
  }

  it.each(Object.entries(SAID))("(%s) is repeated to nobody, and is not in the log", async (constraint, { as = "app", sql, values }) => {
    const since = await logSize();
    const given = [...values];
    if (given[0] === undefined) given[0] = await beginAttempt();
    const client = await db.pool(as).connect();
    try {
      await client.query("begin");
      if (as === "app") {
        await client.query("select tests.unlock()");
        await client.query("select tests.unlock('acme')");
        await beginRequest(client, sessionToken("ann", "acme"));
      }
      const told = await failing(client.query(sql, given));
      expect({ constraint: told?.constraint, code: told?.code }).toEqual({ constraint, code: "23514" });
      expect(isIn(told!.all, marker)).toBe(false);
    } finally {
      await client.query("rollback");
      client.release();
    }
    expect(isIn(await readLog(since), marker)).toBe(false);
  });

  it("... and would be found, where somebody writes it into the statement", async () => {
    const since = await logSize();
    const client = await db.app.connect();
    try {
      await client.query("begin");
      await beginRequest(client, sessionToken("ann", "acme"));
      const told = await failing(client.query(`update users set avatar_url = 'http://${marker}'`));
      expect(told?.constraint).toBe("users_avatar_url_is_https");
      expect(isIn(told!.all, marker)).toBe(false);
    } finally {
      await client.query("rollback");
      client.release();
    }
    if (currentRun().logFile !== undefined) expect(isIn(await readLog(since), marker)).toBe(true);
  });
});
