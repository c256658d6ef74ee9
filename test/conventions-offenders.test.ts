import { readdirSync } from "node:fs";
import { join } from "node:path";

import type pg from "pg";

import { SQL_DIRECTORY } from "../src/migrations/chapters.js";
import { useDatabase } from "./support/database.js";
import { runTapFile } from "./support/pgtap.js";
import { connect } from "./support/template.js";

const CONVENTIONS = join(SQL_DIRECTORY, "..", "test-sql", "conventions");

/** A function that keeps every convention, but for what is put into it. */
const aFunction = (text: string, parameters = "") => `
  set local role safetypin_definer;
  create function offend(${parameters}) ${text};
  comment on function offend is 'Offends.';
  reset role;
`;

/** The same, callable by the application and covered by a permission. */
const anEntryPoint = (text: string) => `
  ${aFunction(text)}
  set local role safetypin_definer;
  grant execute on function offend() to safetypin_app;
  reset role;
  insert into permissions (name, resource_type, action, held_by, description, functions)
  values ('everybody.offend', 'everybody', 'offend', 'everyone', 'Offend.', '{offend}');
`;

/** A policy that keeps every convention, but for what is put into it. */
const aPolicy = (policy: string, text: string) =>
  `create policy ${policy} ${text}; comment on policy ${policy} is 'It offends.'`;

/** A statement about a partition, whose name tells the month. */
const onPartition = (statement: string) => `
  do $do$
  begin
    execute format($$ ${statement} $$, (
      select inhrelid::regclass from pg_inherits where inhparent = 'auth_audit_logs'::regclass limit 1
    ));
  end;
  $do$;
`;

const PINNED = "set search_path = safetypin, extensions, pg_temp";

/** For each file, what breaks each of its assertions and no other. */
const OFFENDERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "row_security.sql": {
    "every table has row-level security enabled and forced, partitions too": onPartition(
      "alter table %s no force row level security",
    ),
    "no partition has a policy or a grant of its own but for dumps: its parent speaks for it": onPartition(
      "grant select on %s to safetypin_app",
    ),
    "a dump by safetypin_backup has every row of every table, partition and sequence": onPartition(
      "drop policy select_backup on %s",
    ),
    "every table of the tenants has the restrictive tenant_fence for the application":
      "drop policy tenant_fence on sessions",
    "a fence is restrictive: a permissive one opens": aPolicy(
      "tenant_fence on cloud_providers",
      "to safetypin_app using (id = (select current_organization_id()))",
    ),
    "every policy names its roles, and none of them is public": aPolicy(
      "select_everyone on refresh_tokens",
      "for select using (user_id = (select current_user_id()))",
    ),
    "every policy is for one command, except the fence": aPolicy(
      "select_self on refresh_tokens",
      "to safetypin_app using (user_id = (select current_user_id()))",
    ),
    "a policy is called after its command and whom it is for": aPolicy(
      "readers on refresh_tokens",
      "for select to safetypin_app using (user_id = (select current_user_id()))",
    ),
    "a policy called after a role is for that role alone": aPolicy(
      "select_operator on refresh_tokens",
      "for select to safetypin_app using (user_id = (select current_user_id()))",
    ),
    "every policy says what it is for, in a sentence":
      "comment on policy tenant_fence on sessions is 'the fence'",
    "a policy asks who is asking inside a sub-select: once a statement and not once a row": aPolicy(
      "select_self on refresh_tokens",
      "for select to safetypin_app using (user_id = current_user_id())",
    ),
    "nobody sees all rows of a table but whom this file names, with the reason": aPolicy(
      "select_operator on users",
      "for select to safetypin_operator using (true)",
    ),
    "no role of ours is above row-level security, or makes others that are":
      "alter role safetypin_monitor createdb",
  },

  "keys_and_constraints.sql": {
    "every table has a primary key": "create table offenders (id uuid not null default new_id())",
    "every key is a uuid, except in the ledger":
      "create table offenders (code integer, constraint offenders_pkey primary key (code))",
    "a key is one column, except of link tables and of logs":
      "create table offenders (one uuid, other uuid, constraint offenders_pkey primary key (one, other))",
    "every id comes from new_id(), unless the client gives one":
      "create table offenders (id uuid default gen_random_uuid(), constraint offenders_pkey primary key (id))",
    "every foreign key has an index that begins with its columns":
      `alter table security_alerts add constraint security_alerts_resolved_by_fkey
         foreign key (resolved_by) references users (id)`,
    "a row of a tenant points to a row of a tenant by both their organization and their id":
      `create index security_alerts_session_id_idx on security_alerts (session_id);
       alter table security_alerts add constraint security_alerts_session_id_fkey
         foreign key (session_id) references sessions (id)`,
    "every constraint is called after its table":
      "alter table users add constraint first_name_is_there check (first_name <> '')",
    "no check is anonymous: its name says what is asserted":
      "alter table users add check (first_name <> '')",
    "keys are called as PostgreSQL calls them":
      "alter table users add constraint users_phone_is_unique unique (phone_number)",
    "no constraint waits to be validated":
      "alter table users add constraint users_first_name_is_no_dash check (first_name <> '-') not valid",
  },

  "bounds.sql": {
    "each has a bound, or is written by us alone": "alter table users add column nickname text",
    "what is written by us alone is granted to no application": "grant update (description) on permissions to safetypin_app",
    "... and is there": "alter table refresh_tokens drop column scope cascade",
    "what people write has no control character in it": `
      alter table users drop constraint users_job_title_is_short;
      alter table users add constraint users_job_title_is_short check (char_length(job_title) <= 100);`,
    "what is_printable() refuses is just what _printable() replaces":
      "create or replace function _printable(p_text text) returns text language sql immutable as 'select p_text'",
  },
  "columns.sql": {
    "every column of every table, partition and view says what it is and which class of data it holds":
      "alter table users add column nickname text",
    "every table, partition and view has a comment": "comment on view live_sessions is null",
    "no secret is granted to a role that people or programs log in as":
      "grant select (token_hash) on sessions to safetypin_app",
    "every sealed column is declared, and every declared one is sealed":
      "alter table users add column diary bytea; comment on column users.diary is 'A diary. [sealed]'",
    "every declared column has the trigger that lets only sealed values in, at every insert and update": `
      alter table users add column diary bytea;
      comment on column users.diary is 'A diary. [sealed]';
      select _declare_sealed_field('users', 'diary', 90001, 'cell', 'application', 100, 'It is private.');
      drop trigger _500_diary_is_sealed on users;`,
    "every time has a time zone":
      "alter table users add column seen timestamp; comment on column users.seen is 'When. [internal]'",
    "text is text and documents are jsonb":
      "alter table users add column notes json; comment on column users.notes is 'Notes. [internal]'",
    "no column is serial: what counts is an identity the server alone sets":
      "alter table users add column number bigserial; comment on column users.number is 'A number. [internal]'",
    "an identity is generated always":
      `alter table users add column number bigint generated by default as identity;
       comment on column users.number is 'A number. [internal]'`,
  },

  "functions.sql": {
    "every function pins its path to the cell, the extensions and pg_temp, in that order, or was bound at creation":
      "alter function suspend_user(uuid, text) set search_path = safetypin, extensions",
    "functions are sql or plpgsql, and definer functions plpgsql": aFunction(
      `returns integer language sql security definer ${PINNED} as 'select 1'`,
    ),
    "definer functions belong to safetypin_definer, whom row-level security binds":
      "alter function suspend_user(uuid, text) owner to safetypin_owner",
    "every function belongs to a role that nobody logs in as":
      "alter function _printable(text) owner to current_user",
    "no function says that it leaks nothing: the planner would let it see rows before the fence":
      "alter function _printable(text) leakproof",
    "nothing is executable by everybody": "grant execute on function suspend_user(uuid, text) to public",
    "what begins with an underscore, and what is a trigger, is for functions of ours alone":
      "grant execute on function _set_context(uuid, uuid, uuid, smallint) to safetypin_app",
    "nobody may grant on what they were granted":
      "grant execute on function suspend_user(uuid, text) to safetypin_operator with grant option",
    "every parameter is called p_…": aFunction(
      "returns text language sql immutable return subject",
      "subject text",
    ),
    "every local is called v_…": aFunction(`returns integer language plpgsql ${PINNED} as $$
      declare
        v_one integer := 1;
        other integer := 2;
      begin
        return v_one + other;
      end;
      $$`),
    "every function says what it does, in a sentence": "comment on function _printable(text) is null",
    "a comment names every code that the function raises itself":
      "comment on function suspend_user(uuid, text) is 'Stops a person from signing in.'",
    "a comment names no code that neither the function nor what it calls can raise":
      "comment on function suspend_user(uuid, text) is 'Stops a person. Raises SP301 or SP999.'",
    "the codes end the comment":
      "comment on function suspend_user(uuid, text) is 'Raises SP301 for nobody. Stops a person.'",
    "nothing uses random()": aFunction("returns float8 language sql volatile return random()"),
    "who asks for the time asks _now(), which does not go back": aFunction(
      `returns boolean language plpgsql stable ${PINNED} as $$ begin return now() > '2000-01-01'; end; $$`,
    ),
    "nothing that reads the context is parallel safe": "alter function current_user_id() parallel safe",
  },

  "privileges.sql": {
    "insert and update are granted by column": "grant insert on roles to safetypin_definer",
    "nobody is granted truncate, references, trigger or maintain":
      "grant truncate on roles to safetypin_operator",
    "to delete is granted to functions alone": "grant delete on password_policies to safetypin_app",
    "nothing is granted to everybody": "grant select on cloud_providers to public",
    "functions of the three owners begin executable by nobody else":
      "alter default privileges for role safetypin_definer grant execute on functions to public",
    "every view runs as its caller and shows nothing to a function before its conditions":
      "alter view published_users reset (security_invoker)",
    "every table belongs to a role that nobody logs in as":
      "alter table cloud_providers owner to current_user",
    "no sequence is granted to a role that people or programs log in as":
      "grant usage on sequence clock_high_water to safetypin_app",
    "what evidence is ordered by is set by the server and granted to nobody":
      "grant insert (seq) on auth_audit_logs to safetypin_definer",
    "the cell opens to its own logins, and only owners create in it":
      "grant usage on schema safetypin to safetypin_app",
  },

  "events_and_permissions.sql": {
    "every definer function that somebody may call is recorded as an event, or merely reads": anEntryPoint(
      `returns void language plpgsql security definer ${PINNED} as 'begin end'`,
    ),
    "what changes something is a definer function": anEntryPoint(
      "returns uuid language sql volatile return new_id()",
    ),
    "what is said to read merely cannot write": "alter function search_users(text, integer) volatile",
    "an event names functions that there are":
      "update event_types set functions = functions || '{no_such_function}' where name = 'user.suspended'",
    "every event is recorded by something":
      "insert into event_types (name, description) values ('user.offended', 'Somebody was offended.')",
    "the functions that an event names do record it":
      "update event_types set functions = functions || '{reactivate_user}' where name = 'user.suspended'",
    "every event that a function records is one of those there are": aFunction(
      `returns void language plpgsql security definer ${PINNED} as $$ begin perform _log_event('user.offended'); end $$`,
    ),
    "every entry point is covered by a permission": `${aFunction("returns integer language sql immutable return 1")}
      set local role safetypin_definer;
      grant execute on function offend() to safetypin_app;
      reset role`,
    "every policy that opens something to somebody is covered by a permission":
      "create policy select_operator on users for select to safetypin_operator using (false)",
    "every permission is honoured by something":
      `insert into permissions (name, resource_type, action, description)
       values ('everybody.offend', 'everybody', 'offend', 'Offend.')`,
    "a permission names functions that its database role may call":
      "update permissions set functions = functions || '{suspend_user}' where name = 'sign_in.attempt'",
    "a permission names policies that are for its database role":
      "update permissions set policies = policies || '{users.select_nobody}' where name = 'catalogue.read'",
    "what honours a permission asks for it: by its name, for an owner, or for whoever is signed in":
      "update permissions set functions = functions || '{search_users}' where name = 'members.manage'",
  },

  "evidence.sql": {
    "every log and every partition of it refuses update, delete and truncate, always": onPartition(
      "alter table %s disable trigger _500_no_truncate",
    ),
    "what records changes does so always, also in a session that says it is a replica":
      "alter table users enable trigger _900_record_update",
    "a trigger prepares (100), enforces (500) or tells (900)":
      `create trigger refuse before update on cloud_providers
         for each row execute function tg__append_only('cloud_providers')`,
    "changes of every row that people and services bring about are recorded":
      "drop trigger _900_record_delete on users",
    "every log has partitions for at least two months beyond this one": `
      do $$
      declare
        v_month timestamptz := date_trunc('month', now() at time zone 'UTC') + interval '2 months';
      begin
        execute format('drop table %I', 'data_change_logs' || to_char(v_month, '_YYYY_MM'));
      end;
      $$`,
    "no log has a default partition, which would keep its month from being attached": `
      create table auth_audit_logs_rest partition of auth_audit_logs default;
      create trigger _500_no_truncate before truncate on auth_audit_logs_rest
        execute function tg__append_only('auth_audit_logs');
      alter table auth_audit_logs_rest enable always trigger _500_no_truncate`,
  },
};

const db = useDatabase({ template: "pgtap" });
let client: pg.Client;

beforeAll(async () => {
  const url = new URL(db.connectionString("admin"));
  url.searchParams.set("options", "-c search_path=safetypin,extensions,tap -c client_min_messages=error");
  client = await connect(url.href);
});

afterAll(() => client.end());

/** Runs a file of conventions after the offence, in one transaction that the file itself rolls back. */
async function assertionsAfter(file: string, offence: string) {
  await client.query("begin");
  try {
    await client.query(offence);
    const report = await runTapFile(client, join(CONVENTIONS, file));
    expect(report.failure).toBeUndefined();
    return report.assertions;
  } finally {
    await client.query("rollback");
  }
}

test("every file of conventions has its offenders", () => {
  expect(Object.keys(OFFENDERS).sort()).toEqual(readdirSync(CONVENTIONS).sort());
});

describe.each(Object.entries(OFFENDERS))("%s", (file, offences) => {
  test("has an offender for each of its assertions, and holds without one", async () => {
    const assertions = await assertionsAfter(file, "select");
    expect(assertions.filter(({ isOk }) => !isOk)).toEqual([]);
    expect(assertions.map(({ description }) => description)).toEqual(Object.keys(offences));
  });

  test.each(Object.entries(offences))("notices when not: %s", async (description, offence) => {
    const assertions = await assertionsAfter(file, offence);
    const failed = assertions.filter(({ isOk }) => !isOk);
    expect(failed.map((assertion) => assertion.description)).toEqual([description]);
  });
});
