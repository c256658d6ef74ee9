import type { Chapter } from "../migrations/chapters.js";
import type { CatalogDifference } from "../migrations/catalog.js";
import { quoteIdentifier } from "../migrations/cell.js";
import { parseStatements } from "../migrations/statements.js";
import type { Finding, Severity } from "./finding.js";

export const PRIVILEGES = "privileges";
export const CATALOG = "catalog";

const GRANTED_TO = "granted to ";

/** What a difference in these does is a matter of speed or of words. */
const HARMLESS = /^(index|statistics) /;

/**
 * What the chapters make and what the cell holds, told as findings: a privilege
 * that is not as written with the statement that grants or revokes it, everything
 * else with the statement of the chapter, or where that is.
 */
export async function findingsOf(
  differences: readonly CatalogDifference[],
  { cell, chapters }: { readonly cell: string; readonly chapters: readonly Chapter[] },
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const difference of differences) {
    findings.push(
      ...(difference.property?.startsWith(GRANTED_TO)
        ? privilegeFindings(difference, cell)
        : [await catalogFinding(difference, cell, chapters)]),
    );
  }
  return findings;
}

interface Privilege {
  /** `select`, `usage`, … */
  readonly name: string;
  readonly isGrantable: boolean;
}

/** One finding for what is too much, one for what is missing. */
function privilegeFindings(
  { object, property = "", expected, found }: CatalogDifference,
  cell: string,
): Finding[] {
  const role = property.slice(GRANTED_TO.length);
  const grantee = role === "public" ? role : quoteIdentifier(role);
  const written = privilegesIn(expected);
  const held = privilegesIn(found);
  // No chapter grants anything to everybody: where a comparison says so, the defaults were changed.
  const missing =
    role === "public" ? [] : written.filter((one) => !held.some((other) => isSame(one, other)));
  const extra = held.filter((one) => !written.some((other) => isSame(one, other)));

  const finding = (
    severity: Severity,
    privileges: readonly Privilege[],
    problem: string,
    remedy: string,
  ): Finding[] =>
    privileges.length === 0 ? [] : [{ check: PRIVILEGES, severity, object, problem, remedy }];

  const names = (privileges: readonly Privilege[]) =>
    privileges.map(({ name, isGrantable }) => name + (isGrantable ? " with grant option" : "")).join(", ");
  const who = role === "public" ? "everybody" : role;
  return [
    ...finding(
      "critical",
      extra,
      `grants ${who} what nobody wrote: ${names(extra)}`,
      privilegeStatement("revoke", extra, object, grantee, cell),
    ),
    ...finding(
      "warning",
      missing,
      `lacks a privilege of ${who}: ${names(missing)}`,
      privilegeStatement("grant", missing, object, grantee, cell),
    ),
  ];
}

function privilegesIn(text = ""): Privilege[] {
  return text
    .split(", ")
    .filter((entry) => entry !== "")
    .map((entry) => {
      const privilege = entry.replace(/ by .*$/, "");
      return {
        name: privilege.replace(/ with grant option$/, ""),
        isGrantable: privilege.endsWith(" with grant option"),
      };
    });
}

const isSame = (one: Privilege, other: Privilege) =>
  one.name === other.name && one.isGrantable === other.isGrantable;

function privilegeStatement(
  verb: "grant" | "revoke",
  privileges: readonly Privilege[],
  object: string,
  grantee: string,
  cell: string,
): string {
  const preposition = verb === "grant" ? "to" : "from";
  const schema = quoteIdentifier(cell);
  const [, kind = "", name = ""] = /^(materialized view|foreign table|default privileges|partitions of|\S+) (.*)$/.exec(object) ?? [];
  const list = (column = "") => privileges.map((privilege) => privilege.name + column).join(", ");

  switch (kind) {
    case "column": {
      const [table = "", column = ""] = name.split(".");
      return `${verb} ${list(` (${column})`)} on ${schema}.${table} ${preposition} ${grantee};`;
    }
    case "function":
    case "procedure":
    case "sequence":
      return `${verb} ${list()} on ${kind} ${schema}.${name} ${preposition} ${grantee};`;
    case "domain":
    case "enum":
    case "type":
    case "range":
      return `${verb} ${list()} on type ${schema}.${name} ${preposition} ${grantee};`;
    case "default privileges": {
      const [, owner = "", objects = "", here] = /^of (\S+) on (\S+)( here)?$/.exec(name) ?? [];
      const where = here === undefined ? "" : ` in schema ${schema}`;
      return `alter default privileges for role ${owner}${where} ${verb} ${list()} on ${objects} ${preposition} ${grantee};`;
    }
    default:
      return `${verb} ${list()} on ${schema}.${name} ${preposition} ${grantee};`;
  }
}

async function catalogFinding(
  { object, property, expected, found }: CatalogDifference,
  cell: string,
  chapters: readonly Chapter[],
): Promise<Finding> {
  const isComment = property === "comment" || property?.endsWith(": comment") === true;
  const isExtra = property === undefined && expected === undefined;
  const problem =
    property === undefined
      ? isExtra
        ? "is in the cell and in no chapter"
        : "is missing: a chapter makes it"
      : `is not what its chapter makes: its ${property} is ${short(found)} and not ${short(expected)}`;
  const written = isExtra ? undefined : await findStatement(statementOf(object), chapters);
  const comment = isExtra ? undefined : await findStatement(commentOn(object), chapters);

  return {
    check: CATALOG,
    severity: isComment || HARMLESS.test(object) ? "warning" : "critical",
    object,
    problem,
    remedy: isExtra ? dropStatement(object, cell) : restore(object, property, expected, { written, comment }, cell),
  };
}

const short = (text: string | undefined) => {
  if (text === undefined) return "absent";
  const line = text.replace(/\s+/g, " ").trim();
  return `"${line.length > 80 ? `${line.slice(0, 79)}…` : line}"`;
};

interface Written {
  readonly where: string;
  readonly sql: string;
}

/** The statement of a chapter that looks like this: the last, which is the one that counts. */
async function findStatement(pattern: RegExp, chapters: readonly Chapter[]): Promise<Written | undefined> {
  for (const { fileName, sql } of [...chapters].reverse()) {
    const statement = (await parseStatements(fileName, sql))
      .map((one) => ({ ...one, sql: one.sql.replace(COMMENTS, "") }))
      .findLast((one) => pattern.test(one.sql));
    if (statement !== undefined) {
      return { where: `sql/migrations/${fileName}, line ${String(statement.line)}`, sql: statement.sql };
    }
  }
  return undefined;
}

/** Whitespace and comments before a statement. */
const COMMENTS = /^(\s|--.*\n|\/\*[\s\S]*?\*\/)+/;

/** What the statement looks like that makes such an object. */
function statementOf(object: string): RegExp {
  const [, kind = "", name = ""] = /^(\S+) (.*)$/s.exec(object) ?? [];
  const [table = "", own = ""] = name.replace(/\(.*$/s, "").split(".").map(escape);

  switch (kind) {
    case "policy":
      return new RegExp(`^create policy ${own}\\s+on ${table}\\b`, "i");
    case "trigger":
      return new RegExp(`^create (constraint )?trigger ${own}\\b[\\s\\S]*?\\bon ${table}\\b`, "i");
    case "index":
      return new RegExp(`^create (unique )?index (concurrently )?${own}\\s+on (only )?${table}\\b`, "i");
    case "column":
    case "constraint":
      return new RegExp(`^(create|alter) table ${table}\\b[\\s\\S]*?\\b${own}\\b`, "i");
    default:
      return new RegExp(`^create (or replace )?(unlogged )?${escape(kind)} ${table}\\b`, "i");
  }
}

/** What the statement looks like that says what a policy is for: it goes when the policy is dropped. */
function commentOn(object: string): RegExp {
  const [, table = "", own = ""] = /^policy (.*)\.(.*)$/s.exec(object) ?? [];
  return new RegExp(`^comment on policy ${escape(own)} on ${escape(table)} is\\b`, "i");
}

const escape = (text: string) => text.replace(/[^\w ]/g, "\\$&");

const SHORT_STATEMENT = 600;

function restore(
  object: string,
  property: string | undefined,
  expected: string | undefined,
  { written, comment }: { readonly written: Written | undefined; readonly comment: Written | undefined },
  cell: string,
): string {
  const [, kind = "", name = ""] = /^(\S+) (.*)$/.exec(object) ?? [];
  const schema = quoteIdentifier(cell);
  const [table = "", own = ""] = name.split(".");

  if (kind === "table" && property === "row level security") {
    return `alter table ${schema}.${name} enable row level security;`;
  }
  if (kind === "table" && property === "row level security is forced") {
    return `alter table ${schema}.${name} force row level security;`;
  }
  if (kind === "trigger" && property === "enabled") {
    return `alter table ${schema}.${table} enable ${expected === "A" ? "always " : ""}trigger ${own};`;
  }
  if (property === "owner" && expected !== undefined && ["table", "function", "sequence", "view"].includes(kind)) {
    return `alter ${kind} ${schema}.${name} owner to ${expected};`;
  }
  if (written === undefined) {
    return `See the difference: safetypin migrate status --check --cell ${cell}`;
  }

  const asOwner = `as safetypin_owner, with the search_path ${schema}, extensions, pg_temp`;
  const oneLine = ({ sql }: Written) => `${sql.replace(/\s+/g, " ")};`;
  if (property === "comment" && comment !== undefined) {
    return `Run ${asOwner} (${comment.where}): ${oneLine(comment)}`;
  }

  const where = `${asOwner} (${written.where})`;
  if (kind === "function") {
    return `Run ${where} the statement "create function ${name.replace(/\(.*$/s, "")}", as "create or replace function"`;
  }
  const drop =
    property === undefined || !["policy", "trigger", "index", "view"].includes(kind)
      ? ""
      : `${dropStatement(object, cell).replace(/ *--.*$/, "")} `;
  if (["policy", "trigger", "index", "view"].includes(kind) && written.sql.length <= SHORT_STATEMENT) {
    return `Run ${where}: ${drop}${[written, comment].flatMap((one) => (one ? [oneLine(one)] : [])).join(" ")}`;
  }
  return `Restore what is written at ${written.where}`;
}

function dropStatement(object: string, cell: string): string {
  const [, kind = "", name = ""] = /^(materialized view|foreign table|\S+) (.*)$/.exec(object) ?? [];
  const schema = quoteIdentifier(cell);
  const [table = "", own = ""] = name.split(".");
  const chapter = "-- or put it into a chapter of your own";

  switch (kind) {
    case "column":
      return `alter table ${schema}.${table} drop column ${own}; ${chapter}`;
    case "constraint":
      return `alter table ${schema}.${table} drop constraint ${own}; ${chapter}`;
    case "policy":
    case "trigger":
    case "rule":
      return `drop ${kind} ${own} on ${schema}.${table}; ${chapter}`;
    case "index":
      return `drop index ${schema}.${own}; ${chapter}`;
    case "object":
    case "partition":
    case "partitions":
    case "default":
      return `See the difference: safetypin migrate status --check --cell ${cell}`;
    default:
      return `drop ${["enum", "range"].includes(kind) ? "type" : kind} ${schema}.${name}; ${chapter}`;
  }
}
