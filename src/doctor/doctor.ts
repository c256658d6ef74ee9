import type { ClientBase } from "pg";

import { ConfigurationError, MigrationError } from "../errors.js";
import type { KeySource } from "../keys/open-keys.js";
import { listCells, quoteIdentifier, type CellName } from "../migrations/cell.js";
import { readChapters, type ChapterDirectories } from "../migrations/chapters.js";
import type { Environment } from "../migrations/environment.js";
import type { SessionOptions } from "../migrations/session.js";
import { status, type CellStatus } from "../migrations/status.js";
import { AT_REST, checkAtRest } from "./at-rest-check.js";
import { runCatalogChecks, type CatalogCheck } from "./catalog-check.js";
import { credentials } from "./credentials-check.js";
import { CATALOG, findingsOf, PRIVILEGES } from "./difference-findings.js";
import { ALERTS, checkEvidence, CLOCK } from "./evidence-check.js";
import { SEVERITIES, sortFindings, type Finding, type Severity } from "./finding.js";
import { ISOLATION_CHECKS } from "./isolation.js";
import {
  judgeServerVersion,
  readServerVersion,
  SERVER_VERSION,
  type ServerVersion,
} from "./server-version-check.js";
import {
  AUTHENTICATION,
  checkAuthentication,
  checkSettings,
  SETTINGS,
} from "./settings-check.js";
import { checkTls, TLS } from "./tls-check.js";
import { checkKeys, KEYS } from "./keys-check.js";
import { checkKeyShares, KEY_SHARES } from "./key-shares-check.js";
import { checkMasterKeys, MASTER_KEYS } from "./master-keys-check.js";
import { checkRestore, RESTORE } from "./restore-check.js";
import { checkSealedFields, SEALED } from "./sealed-fields-check.js";
import { checkSlowQueries, SLOW_QUERIES } from "./slow-queries-check.js";
import { indexes, indexUsage, partitions, triggers } from "./upkeep-checks.js";

export const MIGRATIONS = "migrations";

const CATALOG_CHECKS: readonly CatalogCheck[] = [
  ...ISOLATION_CHECKS,
  triggers,
  partitions,
  indexes,
  indexUsage,
  credentials,
];

/** Every check there is: its stable name, and what it looks for. */
export const CHECKS: readonly { readonly id: string; readonly about: string }[] = [
  {
    id: SERVER_VERSION,
    about: "the server has none of the known flaws of row-level security, pgcrypto and what any query may reach",
  },
  ...CATALOG_CHECKS.map(({ id, about }) => ({ id, about })),
  { id: MIGRATIONS, about: "every chapter was applied, and none was changed afterwards" },
  {
    id: PRIVILEGES,
    about: "every privilege is as the chapters write it, object by object, grantee by grantee",
  },
  { id: CATALOG, about: "everything else in the cell is as the chapters make it" },
  {
    id: SETTINGS,
    about:
      "no setting, of the server, the database or a login, writes tokens into the log; TLS, SCRAM and triggers are on",
  },
  {
    id: AUTHENTICATION,
    about: "no line of pg_hba.conf trusts another machine or lets it in without TLS; no login of ours keeps an md5 password",
  },
  {
    id: TLS,
    about: "what crosses a network is encrypted, with TLS 1.2 or newer and ciphers that hold",
  },
  { id: CLOCK, about: "the server's clock is not behind the latest time the cell has seen, nor that time far ahead of it" },
  {
    id: KEYS,
    about: "the cell, and each organization with sealed values, has a key that seals; none is old, on its way for long or left over",
  },
  { id: MASTER_KEYS, about: "every share is wrapped by the master key that is configured" },
  { id: KEY_SHARES, about: "every share of the cell opens and is its key's, and so are those of the newest keys of organizations" },
  { id: SEALED, about: "what is sealed is the same, by the same numbers, for this client and for the database" },
  { id: RESTORE, about: "the database did not come out of a backup, or what was shredded since is shredded in it; the ledger was exported" },
  { id: ALERTS, about: "no critical alert is unresolved" },
  {
    id: AT_REST,
    about:
      "where Percona's pg_tde encrypts tables of the cell, it encrypts all that say something of people, and the log. Of volumes PostgreSQL cannot say: who can, is told",
  },
  { id: SLOW_QUERIES, about: "information: the slowest queries, from pg_stat_statements" },
];

/** Which cell to examine, and how strictly. */
export interface DoctorOptions extends ChapterDirectories, SessionOptions {
  readonly cell: CellName;

  /**
   * Judge a server whose vendor mended it under its old number by a warning.
   *
   * @defaultValue false
   */
  readonly allowVulnerableServer?: boolean | undefined;

  /** Where applications have their keys from, or its address. @defaultValue `SAFETYPIN_KEYS`; outside production a key file */
  readonly keys?: KeySource["keys"];

  /** After how many days a key that seals is old. @defaultValue 365 */
  readonly keyAgeDays?: number | undefined;
}

/** A check that could not be made, and why. */
export interface SkippedCheck {
  readonly check: string;
  readonly reason: string;
}

/** What the doctor found. */
export interface Diagnosis {
  readonly cell: CellName;
  readonly server: ServerVersion;

  /** What the cell says it is for; production where it does not say, or may not be asked. */
  readonly environment: Environment;

  /** The gravest first. */
  readonly findings: readonly Finding[];

  readonly skipped: readonly SkippedCheck[];
}

/**
 * Examines a cell and its server. Changes nothing. Everything can be looked at as
 * `safetypin_migrator`; another login is told what it could not look at.
 *
 * @throws {@link ConfigurationError} when there is no such cell.
 */
export async function examine(client: ClientBase, options: DoctorOptions): Promise<Diagnosis> {
  const { cell } = options;
  await assertCell(client, cell);

  const server = await readServerVersion(client);
  const environment = await askEnvironment(client, cell);
  const { allowVulnerableServer } = options;
  const findings: Finding[] = [
    ...judgeServerVersion(server, { environment, allowVulnerableServer }),
    ...(await runCatalogChecks(client, { cell, environment }, CATALOG_CHECKS)),
    ...(await checkSettings(client, { cell, environment })),
    ...(await checkTls(client, { cell, environment })),
  ];
  const skipped: SkippedCheck[] = [];
  const add = (checks: readonly string[], found: readonly Finding[] | undefined, reason: string) => {
    if (found === undefined) skipped.push(...checks.map((check) => ({ check, reason })));
    else findings.push(...found);
  };

  add([AUTHENTICATION], await checkAuthentication(client), "only a superuser may read pg_hba.conf");
  add([CLOCK, ALERTS], await checkEvidence(client, cell), "connect as safetypin_migrator");
  const { keys, keyAgeDays } = options;
  add([KEYS], await checkKeys(client, { cell }, { keyAgeDays }), "connect as safetypin_migrator");
  add([SEALED], await checkSealedFields(client, { cell }), "connect as safetypin_migrator");
  add([RESTORE], await checkRestore(client, { cell }), "connect as safetypin_migrator");
  const masterKeys = await checkMasterKeys(client, { cell, environment }, { keys });
  if ("reason" in masterKeys) add([MASTER_KEYS], undefined, masterKeys.reason);
  else add([MASTER_KEYS], masterKeys.findings, "");
  const shares = await checkKeyShares(client, { cell, environment }, { keys });
  if ("reason" in shares) add([KEY_SHARES], undefined, shares.reason);
  else add([KEY_SHARES], shares.findings, "");
  const atRest = await checkAtRest(client, cell);
  add([AT_REST], atRest.findings, "");
  add([AT_REST], undefined, atRest.unseen);
  add([SLOW_QUERIES], await checkSlowQueries(client, cell), "pg_stat_statements is not there, or not to be read");

  try {
    const isReadOnly = await mayOnlyRead(client);
    const found = await status(client, { ...options, lookForDrift: !isReadOnly });
    findings.push(...ledgerFindings(found));
    add(
      [PRIVILEGES, CATALOG],
      found.drift && (await findingsOf(found.drift, { cell, chapters: await readChapters(options) })),
      isReadOnly
        ? "a replica cannot run the chapters to compare with: ask the primary"
        : "the cell's chapters are not those of this release: see migrations",
    );
  } catch (error) {
    if (!(error instanceof ConfigurationError || error instanceof MigrationError)) throw error;
    const reason = [error.message, error.remedy].filter(Boolean).join(". ");
    add([MIGRATIONS, PRIVILEGES, CATALOG], undefined, reason);
  }
  return { cell, server, environment, findings: sortFindings(findings), skipped };
}

/** How many findings there are of each severity. */
export function countFindings(findings: readonly Finding[]): Record<Severity, number> {
  return Object.fromEntries(
    SEVERITIES.map((severity) => [severity, findings.filter((one) => one.severity === severity).length]),
  ) as Record<Severity, number>;
}

async function assertCell(client: ClientBase, cell: CellName): Promise<void> {
  const cells = await listCells(client);
  if (cells.includes(cell)) return;

  const { rows } = await client.query<{ exists: boolean }>(
    "select to_regnamespace(quote_ident($1)) is not null as exists",
    [cell],
  );
  // A schema that somebody took over is a finding, not a wrong name.
  if (rows[0]?.exists === true) return;
  throw new ConfigurationError(
    `There is no cell "${cell}" in this database${cells.length > 0 ? `; there is ${cells.join(", ")}` : ""}`,
    { remedy: `Name another with --cell, or make it: safetypin bootstrap --cell ${cell}` },
  );
}

/**
 * What the cell says it is for, asked as whom may be asked; who may ask as nobody
 * is told of production, where most is critical.
 */
async function askEnvironment(client: ClientBase, cell: CellName): Promise<Environment> {
  const { rows: readers } = await client.query<{ role: string }>(
    `select reader.role
     from pg_catalog.pg_class
       cross join lateral (
         values
           (1, current_user::text, true),
           (
             2,
             'safetypin_owner',
             pg_has_role(
               to_regrole('safetypin_owner'),
               case when current_setting('server_version_num')::integer >= 160000 then 'set' else 'member' end
             )
           )
       ) as reader (place, role, may_be)
     where relnamespace = to_regnamespace(quote_ident($1))
       and relname = 'cell_settings'
       and may_be
       and has_schema_privilege(reader.role, relnamespace, 'usage')
       and has_table_privilege(reader.role, pg_class.oid, 'select')
     order by place
     limit 1`,
    [cell],
  );
  const [reader] = readers;
  if (reader === undefined) return "production";

  await client.query("begin read only");
  try {
    await client.query("select set_config('role', $1, true)", [reader.role]);
    const { rows } = await client.query<{ environment: Environment }>(
      `select environment from ${quoteIdentifier(cell)}.cell_settings`,
    );
    return rows[0]?.environment ?? "production";
  } finally {
    await client.query("rollback").catch(() => undefined);
  }
}

async function mayOnlyRead(client: ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ setting: string }>(
    "select current_setting('transaction_read_only') as setting",
  );
  return rows[0]?.setting === "on";
}

function ledgerFindings({ cell, chapters, unknown }: CellStatus): Finding[] {
  const finding = (severity: Severity, object: string, problem: string, remedy: string): Finding => ({
    check: MIGRATIONS,
    severity,
    object,
    problem,
    remedy,
  });
  return [
    ...chapters.flatMap(({ fileName, state }): Finding[] => {
      const object = `chapter ${fileName}`;
      switch (state) {
        case "pending":
          return [finding("warning", object, "was not applied yet", `safetypin migrate up --cell ${cell}`)];
        case "changed":
          return [
            finding(
              "critical",
              object,
              "was changed after it was applied",
              "Restore the text that was applied, and put what is new into a new chapter",
            ),
          ];
        case "skipped":
          return [
            finding(
              "critical",
              object,
              "was not applied although a later one was: the ledger was edited",
              `safetypin migrate adopt --cell ${cell}`,
            ),
          ];
        default:
          return [];
      }
    }),
    ...unknown.map(({ id, name }) =>
      finding(
        "warning",
        `chapter ${String(id).padStart(4, "0")}_${name}`,
        "was applied, and this release does not know it",
        "Run this with the release that applied it, or a newer one",
      ),
    ),
  ];
}
