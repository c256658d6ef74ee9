import { existsSync } from "node:fs";
import { basename } from "node:path";

import { useDatabase } from "./support/database.js";

/** Debian keeps what belongs to `/usr/lib/postgresql/15` in `/usr/share/postgresql/15`. */
const installation = process.env["SAFETYPIN_TEST_INSTALLATION"] ?? "none";
const control = `/usr/share/postgresql/${basename(installation)}/extension/plpgsql_check.control`;

/** `describe` where the server has the extension, `describe.skip`, which is reported, where it has not. */
const describePlpgsqlCheck: jest.Describe = existsSync(control) ? describe : describe.skip;

/**
 * Statements made of text that `plpgsql_check` takes for unquoted: it does not follow `%1$s`. What
 * stands there is quote_ident() of a name from the catalog or from a declaration, or text of the function.
 */
const MADE_OF_QUOTED_NAMES = [
  "_declare_blind_index",
  "_declare_sealed_field",
  "_hold_outdated_values",
  "_record_changes_of",
  "backfill_index_batch",
  "cut_over_index",
  "delete_index_batch",
  "replace_client_sealed",
];

describePlpgsqlCheck("plpgsql_check", () => {
  const database = useDatabase({ template: "migrated" });

  beforeAll(async () => {
    await database.admin.query("create extension plpgsql_check schema public");
    // Here, where a finding can be seen.
    await database.admin.query(`
      create function safetypin.offend() returns void language plpgsql as $$
      declare v_ids uuid[] := '{}';
      begin perform nothing_like_it from safetypin.users; end $$`);
  });

  it("finds what is wrong", async () => {
    expect(await findings("and proname = 'offend'")).toEqual([
      expect.stringMatching(/^offend: error: column "nothing_like_it" does not exist/),
      expect.stringMatching(/^offend: warning: target type is different type than source type/),
    ]);
  });

  it("finds nothing in any function or trigger", async () => {
    expect(await findings("and proname <> 'offend'")).toEqual([]);
  });

  it("doubts no statement that a function writes, but where names are quoted before", async () => {
    const { rows } = await database.admin.query<{ name: string }>(`
      select distinct proname as name
      from pg_proc
      join pg_language on pg_language.oid = prolang and lanname = 'plpgsql'
      cross join lateral public.plpgsql_check_function_tb(pg_proc.oid, fatal_errors => false, security_warnings => true)
      where pronamespace = 'safetypin'::regnamespace and prorettype <> 'trigger'::regtype and level = 'security'
      order by 1`);
    expect(rows.map(({ name }) => name)).toEqual(MADE_OF_QUOTED_NAMES);
  });

  /** What it says of functions, and of each trigger's function on the table that it stands on. */
  async function findings(which: string): Promise<string[]> {
    const { rows } = await database.admin.query<{ said: string }>(`
      select distinct format('%s: %s: %s %s', proname, level, message, detail) as said
      from pg_proc
      join pg_language on pg_language.oid = prolang and lanname = 'plpgsql'
      left join lateral (
        -- A function that three triggers share names the rows of each.
        select tgrelid, max(tgoldtable) over () as tgoldtable, max(tgnewtable) over () as tgnewtable
        from pg_trigger
        where tgfoid = pg_proc.oid and tgparentid = 0
      ) as triggers on true
      cross join lateral public.plpgsql_check_function_tb(
        pg_proc.oid, coalesce(tgrelid, 0),
        fatal_errors => false, extra_warnings => false, performance_warnings => false,
        oldtable => tgoldtable, newtable => tgnewtable
      )
      where pronamespace = 'safetypin'::regnamespace
        and (tgrelid is not null or prorettype <> 'trigger'::regtype)
        ${which}
      order by 1`);
    return rows.map(({ said }) => said);
  }
});
