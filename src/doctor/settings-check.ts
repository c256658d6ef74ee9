import type { ClientBase } from "pg";

import { quoteIdentifier } from "../migrations/cell.js";
import type { Subject } from "./catalog-check.js";
import type { Finding, Severity } from "./finding.js";

/** The settings as one login of the cell has them, by name. */
type Settings = Readonly<Record<string, string | undefined>>;

/** Where a setting was set: for the server, the database, the login, or the login in this database. */
type Scope = "server" | "database" | "role" | "role in database";

interface SettingRule {
  /** The setting to change. */
  readonly setting: string;

  /** What to change it to. */
  readonly value: string;

  /** Whether a server that is not production may well be like that. */
  readonly isGrave: boolean;

  /** Whether it is, with the setting where it was set last. */
  readonly isBroken: (settings: Settings, scope: Scope) => boolean;
  readonly problem: string;
}

export const SETTINGS = "settings";

/** What `log_statement` and its kin keep of a query is its text; its parameters are the secrets. */
const logsStatements = (settings: Settings) =>
  ["all", "mod"].includes(settings["log_statement"] ?? "") ||
  isOn(settings["log_min_duration_statement"]) ||
  isOn(settings["log_min_duration_sample"]) ||
  Number(settings["log_transaction_sample_rate"] ?? 0) > 0;

/** A time of -1 means never. */
const isOn = (time: string | undefined) => time !== undefined && !time.startsWith("-1");

/** A length of 0 means that nothing of a parameter is written. */
const isLength = (length: string | undefined) => length !== undefined && !/^0\D*$/.test(length);

const isTrue = (value: string | undefined) => ["on", "true", "yes", "1"].includes(value ?? "");

const RULES: readonly SettingRule[] = [
  {
    setting: "log_parameter_max_length",
    value: "0",
    isGrave: true,
    isBroken: (settings) => logsStatements(settings) && isLength(settings["log_parameter_max_length"]),
    problem: "lets logged statements carry their parameters: session tokens and password digests stand in the log",
  },
  {
    setting: "log_parameter_max_length_on_error",
    value: "0",
    isGrave: true,
    isBroken: (settings) => isLength(settings["log_parameter_max_length_on_error"]),
    problem: "writes the parameters of failed statements, tokens too, into the log",
  },
  ...["debug_print_parse", "debug_print_rewritten", "debug_print_plan"].map((setting) => ({
    setting,
    value: "off",
    isGrave: true,
    isBroken: (settings: Settings) => isTrue(settings[setting]),
    problem: "writes the values of every query into the log",
  })),
  {
    setting: "auto_explain.log_parameter_max_length",
    value: "0",
    isGrave: true,
    isBroken: (settings) =>
      isOn(settings["auto_explain.log_min_duration"]) &&
      isLength(settings["auto_explain.log_parameter_max_length"]),
    problem: "lets logged plans carry their parameters: session tokens and password digests stand in the log",
  },
  {
    setting: "auto_explain.log_verbose",
    value: "off",
    isGrave: true,
    isBroken: (settings) =>
      isOn(settings["auto_explain.log_min_duration"]) && isTrue(settings["auto_explain.log_verbose"]),
    problem: "lets logged plans tell what functions were called with, tokens too",
  },
  {
    setting: "auto_explain.log_nested_statements",
    value: "off",
    isGrave: true,
    isBroken: (settings) =>
      isOn(settings["auto_explain.log_min_duration"]) && isTrue(settings["auto_explain.log_nested_statements"]),
    problem: "lets logged plans tell what functions look for inside, in the clear where it is sealed outside",
  },
  {
    setting: "auto_explain.log_min_duration",
    value: "-1",
    isGrave: false,
    isBroken: (settings) => isOn(settings["auto_explain.log_min_duration"]),
    problem: "logs plans, whose conditions hold what was looked for, such as addresses",
  },
  {
    setting: "pgaudit.log_parameter",
    value: "off",
    isGrave: true,
    isBroken: (settings) => isTrue(settings["pgaudit.log_parameter"]),
    problem: "writes the parameters of audited statements, tokens too, into the log",
  },
  {
    setting: "session_replication_role",
    value: "origin",
    isGrave: true,
    isBroken: (settings) => !["origin", undefined].includes(settings["session_replication_role"]),
    problem: "keeps ordinary triggers and foreign keys from being asked",
  },
  {
    setting: "row_security",
    value: "on",
    isGrave: true,
    isBroken: (settings) => settings["row_security"] === "off",
    problem: "makes every query of the cell's tables fail",
  },
  {
    setting: "role",
    value: "none",
    isGrave: true,
    isBroken: (settings) => !["none", undefined].includes(settings["role"]),
    problem: "makes every connection another role's, and none of ours is to be",
  },
  {
    setting: "default_transaction_read_only",
    value: "off",
    isGrave: true,
    isBroken: (settings) => isTrue(settings["default_transaction_read_only"]),
    problem: "refuses every write: nobody signs in, and no evidence is kept",
  },
  {
    setting: "local_preload_libraries",
    value: "",
    isGrave: true,
    isBroken: (settings, scope) => scope.startsWith("role") && settings["local_preload_libraries"] !== undefined,
    problem: "loads code into every connection of this login",
  },
  {
    setting: "password_encryption",
    value: "scram-sha-256",
    isGrave: false,
    isBroken: (settings) => settings["password_encryption"] === "md5",
    problem: "makes the next password of a login an md5 digest, as good as the password to whoever reads it",
  },
  {
    setting: "ssl",
    value: "on",
    isGrave: true,
    isBroken: (settings) => settings["ssl"] === "off" && listensToOthers(settings["listen_addresses"]),
    problem: "is off while the server listens to other machines: passwords and tokens cross the network in the clear",
  },
];

const listensToOthers = (addresses = "") =>
  addresses
    .split(",")
    .map((address) => address.trim())
    .some((address) => address !== "" && !/^(localhost|127\.[\d.]+|::1)$/.test(address));

/** What may well be set for a login: limits, and what it calls itself. */
const HARMLESS = [
  "application_name",
  "idle_in_transaction_session_timeout",
  "idle_session_timeout",
  "lock_timeout",
  "statement_timeout",
  "transaction_timeout",
];

const NAMES = [
  "log_statement",
  "log_min_duration_statement",
  "log_min_duration_sample",
  "log_transaction_sample_rate",
  "auto_explain.log_min_duration",
  "listen_addresses",
  ...new Set(RULES.map(({ setting }) => setting)),
];

interface SettingRow {
  /** Whose; `null` for everybody's. */
  readonly login: string | null;
  readonly name: string;
  readonly value: string | null;

  readonly scope: Scope;
  readonly database: string;
}

/**
 * The settings under which the cell's logins work, as far as they would write
 * secrets where they do not belong. What is set for a login or a database counts,
 * what this connection has set for itself does not.
 */
export async function checkSettings(
  client: ClientBase,
  { cell, environment }: Subject,
): Promise<Finding[]> {
  const { rows } = await client.query<SettingRow>(
    `with
       wanted (name) as (select unnest($2::text[])),
       special as (
         select
           nullif(setrole, 0) as role,
           setdatabase,
           split_part(entry, '=', 1) as name,
           substr(entry, strpos(entry, '=') + 1) as value
         from pg_catalog.pg_db_role_setting
           cross join unnest(setconfig) as entry
         where setdatabase in (0, (select oid from pg_catalog.pg_database where datname = current_database()))
       )
     select
       null as login,
       wanted.name,
       coalesce(
         special.value,
         case when source in ('client', 'user', 'database user', 'session') then boot_val else reset_val end,
         current_setting(wanted.name, true)
       ) as value,
       case when special.value is null then 'server' else 'database' end as scope,
       current_database() as database
     from wanted
       left join pg_catalog.pg_settings using (name)
       left join special on special.role is null and special.name = wanted.name
     union all
     select
       pg_get_userbyid(role),
       name,
       value,
       case when setdatabase = 0 then 'role' else 'role in database' end,
       current_database()
     from special
     where role in (
       select to_regrole(quote_ident(login || turn))::oid
       from unnest(
         array['safetypin_migrator', $1 || '_app_login', $1 || '_mailer_login', $1 || '_operator_login', $1 || '_auditor_login', $1 || '_monitor_login', $1 || '_backup_login']
       ) as login
         cross join unnest(array['', '_b']) as turn
     )
     -- The last word has what is set for a login in this database.
     order by scope`,
    [cell, NAMES],
  );

  const everybodys = rows.filter(({ login }) => login === null);
  const shared = judge(everybodys, environment, undefined);
  const logins = [...new Set(rows.map(({ login }) => login))].filter((login) => login !== null);
  // Every login may give itself settings, and none of ours has any from us.
  const others = rows.filter(({ login, name }) => login !== null && ![...NAMES, ...HARMLESS].includes(name));
  return [
    ...shared,
    ...others.map((row): Finding => ({
      check: SETTINGS,
      severity: "info",
      object: `setting ${row.name} of role ${row.login}`,
      problem: "was set for this login, maybe by itself: neither bootstrap nor a chapter sets it",
      remedy: `alter role ${quoteIdentifier(row.login ?? "")}${row.scope === "role" ? "" : ` in database ${quoteIdentifier(row.database)}`} reset ${row.name};`,
    })),
    ...logins.flatMap((login) =>
      judge(
        [...everybodys, ...rows.filter((row) => row.login === login)],
        environment,
        login,
      ).filter(
        ({ object }) => !shared.some((finding) => object === `${finding.object} of role ${login}`),
      ),
    ),
  ];
}

function judge(
  rows: readonly SettingRow[],
  environment: Subject["environment"],
  login: string | undefined,
): Finding[] {
  // A name that no module has claimed reads as nothing.
  const settings: Settings = Object.fromEntries(rows.map(({ name, value }) => [name, value || undefined]));

  const lastOf = ({ setting }: SettingRule) => rows.findLast(({ name }) => name === setting);
  return RULES.filter((rule) => rule.isBroken(settings, lastOf(rule)?.scope ?? "server")).map((rule): Finding => {
    const severity: Severity = rule.isGrave && environment === "production" ? "critical" : "warning";
    const row = lastOf(rule);
    return {
      check: SETTINGS,
      severity,
      object: `setting ${rule.setting}${login === undefined ? "" : ` of role ${login}`}`,
      problem: rule.problem,
      remedy: mend(rule, row, login),
    };
  });
}

function mend({ setting, value }: SettingRule, row: SettingRow | undefined, login: string | undefined): string {
  // An empty list would be a list of one name that is empty.
  const to = value === "" ? `reset ${setting}` : `set ${setting} = '${value}'`;
  const database = `database ${quoteIdentifier(row?.database ?? "")}`;
  const role = `role ${quoteIdentifier(login ?? "")}`;
  switch (row?.scope) {
    case "database":
      return `alter ${database} ${to};`;
    case "role in database":
      return `alter ${role} in ${database} ${to};`;
    case "role":
      return `alter ${role} ${to};`;
    default:
      return login === undefined ? `alter system ${to}; select pg_reload_conf();` : `alter ${role} ${to};`;
  }
}

export const AUTHENTICATION = "authentication";

/**
 * Who gets in without proving anything or without TLS, and passwords kept the old way. Only
 * a superuser may read that; `undefined` for everybody else.
 */
export async function checkAuthentication(client: ClientBase): Promise<Finding[] | undefined> {
  const { rows: may } = await client.query<{ may: boolean }>(
    `select has_function_privilege('pg_catalog.pg_hba_file_rules()', 'execute')
       and has_table_privilege('pg_catalog.pg_authid', 'select') as may`,
  );
  if (may[0]?.may !== true) return undefined;

  const { rows } = await client.query<Finding>(
    `with
       -- Lines that are of another machine too. A mask says of how many: 127.0.0.1/0 is everybody.
       elsewhere as (
         select
           type,
           auth_method,
           'line ' || line_number || ' of pg_hba.conf' as object,
           case address when 'all' then 'every machine' else address || coalesce('/' || netmask, '') end as place,
           coalesce(options @> '{clientcert=verify-full}', false) as has_certificate
         from pg_catalog.pg_hba_file_rules
         where type <> 'local'
           and address not in ('localhost', 'samehost')
           and (address like '127.%' and netmask like '255.%') is not true
           and (address = '::1' and netmask = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff') is not true
       )
     select
       case when auth_method in ('trust', 'ident') then 'critical' else 'warning' end as severity,
       object,
       case auth_method
         when 'trust' then 'lets everybody at ' || place || ' be whom they say'
         when 'ident' then 'lets everybody be whom their own machine says, at ' || place
         when 'password' then 'has passwords sent as they are'
         else 'takes md5 passwords'
       end as problem,
       format(
         'Write scram-sha-256 in place of %s, then: select pg_reload_conf();',
         auth_method
       ) as remedy
     from elsewhere
     where auth_method in ('trust', 'ident', 'password', 'md5')
       and not (auth_method = 'trust' and has_certificate)
     union all
     select
       'warning',
       object,
       'lets ' || place || ' in without TLS',
       'Write hostssl in place of ' || type || ', then: select pg_reload_conf();'
     from elsewhere
     where type in ('host', 'hostnossl', 'hostnogssenc')
       and auth_method not in ('trust', 'ident', 'password', 'md5', 'reject')
     union all
     select
       'warning',
       'role ' || quote_ident(rolname),
       'has its password as an md5 digest',
       format('Set it again, from psql: \\password %s', rolname)
     from pg_catalog.pg_authid
     where rolpassword like 'md5%'
       and rolcanlogin
       and (rolname like 'safetypin\\_%' or rolname ~ '_login(_b)?$')`,
  );
  return rows.map((row) => ({ ...row, check: AUTHENTICATION }));
}
