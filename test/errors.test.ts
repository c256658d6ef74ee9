import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";

import { CONSTRAINTS } from "../src/constraints.js";
import {
  AuthenticationError,
  ConfigurationError,
  NotFoundError,
  RuleError,
} from "../src/errors.js";
import { INNER_CONSTRAINTS } from "../src/inner-constraints.js";
import { parseUserId } from "../src/ids.js";
import { KEY_PROVIDER_ERROR_CODES } from "../src/keys/key-failures.js";
import { isDenial, SQLSTATES } from "../src/sqlstates.js";
import { isDenied, translateError } from "../src/translate-error.js";
import { useDatabase } from "./support/database.js";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const database = useDatabase();

/** Every SQLSTATE of ours that a text of SQL raises. */
function statesIn(text: string): string[] {
  return [...text.matchAll(/errcode\s*(?:=|:=)\s*'(SP\d{3})'/gi)].map(([, state]) => state as string);
}

/** What a statement fails with, as the driver says it. */
async function failureOf(sql: string): Promise<Error> {
  return database.admin.query(sql).then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => error as Error,
  );
}

describe("the table of SQLSTATEs", () => {
  it("has what the functions of the cell raise, and nothing else", async () => {
    const { rows } = await database.admin.query<{ source: string }>(
      "select prosrc as source from pg_proc where pronamespace = $1::regnamespace",
      [database.cell],
    );
    const chapters = join(ROOT, "sql", "migrations");
    const raisedByChapters = await Promise.all(
      (await readdir(chapters)).map((name) => readFile(join(chapters, name), "utf8")),
    );
    const raised = [...rows.map(({ source }) => source), ...raisedByChapters].flatMap(statesIn);

    expect([...new Set(raised)].sort()).toEqual(Object.keys(SQLSTATES));
  });

  it("gives each its own code, and its hundred its kind", () => {
    const codes = Object.values(SQLSTATES).map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);

    for (const [state, { kind }] of Object.entries(SQLSTATES)) {
      expect([state, kind === "not_found"]).toEqual([state, state.startsWith("SP3")]);
      expect([state, isDenial(state)]).toEqual([state, state.startsWith("SP2")]);
    }
  });
});

describe("the tables of constraints", () => {
  it("have those of the catalog, each once", async () => {
    // A partition's are its parent's under a name of their own.
    const { rows } = await database.admin.query<{ name: string }>(
      `select conname as name
       from pg_constraint join pg_class on pg_class.oid = conrelid
       where connamespace = $1::regnamespace and contype <> 'n' and not relispartition
         and relname <> 'migrations'
       union
       select relname
       from pg_index join pg_class on pg_class.oid = indexrelid
       where relnamespace = $1::regnamespace and indisunique
         and not relispartition and indrelid <> ($2 || '.migrations')::regclass
       union
       -- What is sealed is checked before it is, under the name of a constraint.
       select constraint_name from sealed_fields
       order by 1`,
      [database.cell, database.cell],
    );

    const known = [...Object.keys(CONSTRAINTS), ...INNER_CONSTRAINTS].sort();
    expect(known).toEqual(rows.map(({ name }) => name).sort());
  });
});

describe("docs/errors.md", () => {
  it("lists every code, and none that there is not", async () => {
    const text = await readFile(join(ROOT, "docs", "errors.md"), "utf8");
    const listed = [...text.matchAll(/^\| `([a-z_0-9]+)` \|/gm)].map(([, code]) => code as string);
    const thrown = await codesInSources();
    const translated = [
      // Errors of configuration have sentences and no codes.
      ...Object.values(SQLSTATES).filter(({ kind }) => kind !== "configuration"),
      ...Object.values(CONSTRAINTS),
    ].map(({ code }) => code);

    expect(listed).toEqual([...new Set(listed)]);
    expect([...listed].sort()).toEqual([...new Set([...thrown, ...translated, ...KEY_PROVIDER_ERROR_CODES])].sort());
  });

  it("names every SQLSTATE beside its code", async () => {
    const text = await readFile(join(ROOT, "docs", "errors.md"), "utf8");
    for (const [state, { kind, code }] of Object.entries(SQLSTATES)) {
      const line = kind === "configuration" ? state : `^\\| \`${code}\` \\|.*\\b${state}\\b`;
      expect(text).toMatch(new RegExp(line, "m"));
    }
  });
});

/** The codes that the sources throw themselves. */
async function codesInSources(): Promise<string[]> {
  const directory = join(ROOT, "src");
  const files = (await readdir(directory)).filter((name) => name.endsWith(".ts"));
  const texts = await Promise.all(files.map((name) => readFile(join(directory, name), "utf8")));
  const thrown = texts.flatMap((text) => [
    ...text.matchAll(/new (?:RuleError|NotFoundError|AuthenticationError)\(\s*"([a-z_0-9]+)"/g),
    ...text.matchAll(/\bsuper\("([a-z]+(?:_[a-z]+)+)",/g),
  ]);
  const notFound = texts.flatMap((text) => [...text.matchAll(/\bfound\(.*, "([a-z]+)", /g)]);
  return [
    ...thrown.map(([, code]) => code as string),
    ...notFound.map(([, what]) => `${what as string}_not_found`),
  ];
}

describe("a database's error", () => {
  it.each([
    ["SP101", AuthenticationError, "session_invalid"],
    ["SP201", RuleError, "permission_required"],
    ["SP302", NotFoundError, "member_not_found"],
    ["SP402", RuleError, "password_policy_changed"],
  ])("%s becomes what it stands for", async (state, kind, code) => {
    const cause = await failureOf(
      `do $$ begin raise exception 'in words' using errcode = '${state}', hint = 'Do something else.'; end $$`,
    );
    const error = translateError(cause) as RuleError;

    expect(error).toBeInstanceOf(kind);
    expect(error).toMatchObject({ code, message: "in words", remedy: "Do something else.", cause });
    expect(isDenied(error)).toBe(state === "SP201");
  });

  it("of the server's version is one of configuration", async () => {
    const cause = await failureOf("do $$ begin raise exception 'old' using errcode = 'SP501'; end $$");

    expect(translateError(cause)).toBeInstanceOf(ConfigurationError);
  });

  it("about a constraint becomes its rule, also on a shard", async () => {
    const violate = (constraint: string) =>
      failureOf(
        `do $$ begin raise unique_violation using constraint = '${constraint}', message = 'x'; end $$`,
      );

    for (const name of ["organizations_keep_an_owner", "organizations_keep_an_owner_102008"]) {
      expect(translateError(await violate(name))).toMatchObject({
        code: "last_owner",
        message: CONSTRAINTS["organizations_keep_an_owner"]?.sentence,
      });
    }
  });

  it("that stands for nothing passes as it is", async () => {
    const division = await failureOf("select 1 / 0");
    const inner = await failureOf(
      "do $$ begin raise check_violation using constraint = 'sessions_idle_limit_is_positive'; end $$",
    );
    const other = new Error("not the database's");

    expect(translateError(division)).toBe(division);
    expect(translateError(inner)).toBe(inner);
    expect(translateError(other)).toBe(other);
  });

  it("is told by its state and never by its words", async () => {
    const lookalike = await failureOf(
      "do $$ begin raise exception 'the session is not good, or is no more'; end $$",
    );

    expect(translateError(lookalike)).toBe(lookalike);
  });

  it("does not quote the row that was refused", async () => {
    const insert = "insert into organizations (slug, name) values ('a slug that is no slug', 'Acme')";
    const planted = await failureOf(insert);
    expect(inspect(planted)).toContain("a slug that is no slug");

    const error = translateError(await failureOf(insert));
    expect(error).toMatchObject({ code: "organization_slug_malformed" });
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain("a slug that is no slug");
  });

  it("does not quote parameters that the server was told to add", async () => {
    const client = await database.admin.connect();
    try {
      await client.query("set log_parameter_max_length_on_error = 100");
      const fail = () =>
        client.query("select ($1::text)::integer", ["a parameter"]).catch((error: unknown) => error as Error);
      const planted = (await fail()) as Error & { where?: string };
      expect(planted.where).toContain("a parameter");

      expect((translateError(await fail()) as { where?: string }).where).not.toContain("a parameter");
    } finally {
      client.release(true);
    }
  });
});

describe("an id", () => {
  it("is read whatever its case", () => {
    expect(parseUserId("01A20ABA-522D-7BB2-8B29-0780561A8C15")).toBe("01a20aba-522d-7bb2-8b29-0780561a8c15");
  });

  it.each([
    ["", '""'],
    ["ann", '"ann"'],
    ["1' or '1'='1", "1' or '1'='1"],
    ["x".repeat(10_000), "…"],
    [undefined, "undefined"],
    ["sps_abcdef_secret", "a token"],
  ])("that is none is named: %p", (text, named) => {
    expect(() => parseUserId(text as string)).toThrow(RuleError);
    expect(() => parseUserId(text as string)).toThrow(named);
    expect(() => parseUserId(text as string)).not.toThrow("secret");
  });
});
