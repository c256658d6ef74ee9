import type { ClientBase } from "pg";

import { groupBy, heading, table } from "./markdown.js";

const PREFACE = `# Who may do what

Generated from the catalog by \`npm run docs:generate\`; a test compares the two, so
a grant that is not written here fails, and so does one that is written and not there.
What people may do inside an organization is in [permissions.md](permissions.md).

Owners are left out: \`safetypin_owner\` owns every table and \`safetypin_definer\` nearly
every function, nobody logs in as either, and row-level security is forced, so that a
privilege alone shows not even the owner a row. Partitions have no grants of their own.
\`<cell>\` is the name of the cell's schema.
`;

/** `docs/privileges.md`, as the catalog of a cell has it. The client's path leads to the cell. */
export async function renderPrivileges(client: ClientBase): Promise<string> {
  return [
    PREFACE,
    heading("Logins and the roles they belong to"),
    "A login inherits what its role may, except `safetypin_migrator`: it says `set role`.\n",
    await tableOf(client, ["login", "role", "inherits", "may become it"], MEMBERSHIPS),
    heading("Database and schemas"),
    await tableOf(client, ["what", "role", "may"], CONTAINERS),
    heading("Tables, views and sequences"),
    "`all` is a privilege on the table; names are privileges on columns.\n",
    await renderRelations(client),
    heading("Functions"),
    "Nothing is executable by everybody. What begins with `_` or `tg_` is for functions of ours alone.\n",
    await tableOf(client, ["function", "runs as", "callable by"], FUNCTIONS),
  ].join("\n");
}

/** A query's rows as a table, its columns in the order of the titles. */
async function tableOf(client: ClientBase, titles: readonly string[], query: string): Promise<string> {
  const { rows } = await client.query<string[]>({ text: query, rowMode: "array" });
  return table(titles, rows);
}

interface RelationGrant {
  readonly relation: string;
  readonly kind: string;
  readonly role: string;
  readonly select: string;
  readonly insert: string;
  readonly update: string;
  readonly delete: string;
  readonly other: string;
}

async function renderRelations(client: ClientBase): Promise<string> {
  const { rows } = await client.query<RelationGrant>(RELATIONS);
  const relations = groupBy(rows, ({ relation, kind }) => `${relation} (${kind})`);
  return [...relations]
    .map(([relation, grants]) => {
      const cells = grants.map((grant) => [
        grant.role, grant.select, grant.insert, grant.update, grant.delete, grant.other,
      ]);
      return `${heading(relation, 3)}\n${table(["role", "select", "insert", "update", "delete", "other"], cells)}`;
    })
    .join("\n");
}

const OURS = "^safetypin_(owner|definer|keyholder|app|mailer|operator|backup|auditor|monitor|migrator)$";

/** A role as it is written: a cell's logins without the name of this cell. */
const role = (oid: string) => `(
  case
    when ${oid} = 0 then 'everybody'
    when starts_with(${oid}::regrole::text, current_schema() || '_') and ${oid}::regrole::text !~ '${OURS}'
      then '<cell>_' || substr(${oid}::regrole::text, length(current_schema()) + 2)
    else ${oid}::regrole::text
  end
)`;

const isOurs = (oid: string) => `(
  ${oid}::regrole::text ~ '${OURS}'
  or ${oid}::regrole::text ~ ('^' || current_schema() || '_(app|mailer|operator|auditor|monitor|backup)_login(_b)?$')
)`;

// The one difference between versions: before 16 inheriting is a matter of the
// member, so the login inherits nothing at all; from 16 on, of the grant.
const MEMBERSHIPS = `
  select
    ${role("member")},
    roleid::regrole::text,
    case
      when member = 'safetypin_migrator'::regrole
          and roleid = 'safetypin_owner'::regrole
          and pg_has_role(member, roleid, 'usage')
            = (current_setting('server_version_num')::integer >= 160000)
        then 'from PostgreSQL 16 on'
      when pg_has_role(member, roleid, 'usage') then 'yes'
      else 'no'
    end,
    'yes'
  from (
    select distinct member, roleid from pg_auth_members
  ) as memberships
  where ${isOurs("member")} and ${isOurs("roleid")}
  order by ${role("member")} collate "C", roleid::regrole::text collate "C"
`;

const CONTAINERS = `
  with containers as (
    select 1 as place, 'the database' as name, datdba as owner, datacl as acl
    from pg_database
    where datname = current_database()
    union all
    select 2, 'schema <cell>', nspowner, nspacl
    from pg_namespace
    where oid = current_schema()::regnamespace
    union all
    select 3, 'the schema of the extensions', nspowner, nspacl
    from pg_namespace
    where oid = (select extnamespace from pg_extension where extname = 'pgcrypto')
  )
  select
    name,
    ${role("grantee")},
    string_agg(lower(privilege_type), ', ' order by privilege_type)
  from containers
  cross join lateral aclexplode(acl)
  where grantee <> owner
    and (grantee = 0 or ${isOurs("grantee")})
  group by place, name, grantee
  order by place, ${role("grantee")} collate "C"
`;

const RELATIONS = `
  with granted as (
    select oid, relname, relkind, grantee, privilege_type, 0 as attnum, 'all' as what
    from pg_class
    cross join lateral aclexplode(relacl)
    where grantee <> relowner
    union all
    select pg_class.oid, relname, relkind, grantee, privilege_type, attnum, attname
    from pg_class
    join pg_attribute on attrelid = pg_class.oid
    cross join lateral aclexplode(attacl)
    where grantee <> relowner
  ),
  written as (
    select
      relname,
      relkind,
      grantee,
      privilege_type,
      string_agg(what, ', ' order by attnum) as columns
    from granted
    join pg_class using (oid, relname, relkind)
    where relnamespace = current_schema()::regnamespace
      and relkind in ('r', 'p', 'v', 'm', 'f', 'S')
      and not relispartition
    group by relname, relkind, grantee, privilege_type
  )
  select
    relname as relation,
    case relkind when 'v' then 'view' when 'S' then 'sequence' else 'table' end as kind,
    ${role("grantee")} as role,
    coalesce(max(columns) filter (where privilege_type = 'SELECT'), '') as select,
    coalesce(max(columns) filter (where privilege_type = 'INSERT'), '') as insert,
    coalesce(max(columns) filter (where privilege_type = 'UPDATE'), '') as update,
    coalesce(max(columns) filter (where privilege_type = 'DELETE'), '') as delete,
    coalesce(
      string_agg(lower(privilege_type) || ' ' || columns, ', ' order by privilege_type)
        filter (where privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')),
      ''
    ) as other
  from written
  group by relname, relkind, grantee
  order by relname collate "C", ${role("grantee")} collate "C"
`;

const FUNCTIONS = `
  select
    '\`' || proname || '(' || pg_get_function_identity_arguments(pg_proc.oid) || ')\`',
    case when prosecdef then proowner::regrole::text else 'the caller' end,
    coalesce(
      (
        select string_agg(${role("grantee")}, ', ' order by ${role("grantee")} collate "C")
        from aclexplode(coalesce(proacl, acldefault('f', proowner)))
        where grantee <> proowner
      ),
      ''
    )
  from pg_proc
  where pronamespace = current_schema()::regnamespace
  order by proname collate "C", pg_get_function_identity_arguments(pg_proc.oid) collate "C"
`;
