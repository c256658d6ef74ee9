import { compareDuration, timed } from "../measure.mjs";

const LOOKUPS = 4_000;
const WRITES = 1_000;

/*
 * A look-up's index with the columns the look-up wants, and without them: on two
 * copies of the table, in loops inside the server, where nothing else takes time.
 */
const CANDIDATES = [
  {
    name: "covering-session-check",
    title: "session check",
    table: "sessions",
    plain: "create unique index on %T (token_hash)",
    covering: `create unique index on %T (token_hash) include (
      id, user_id, organization_id, assurance_level, creation_time, expiration_time, idle_limit, revoked
    )`,
    others: ["create index on %T (user_id, creation_time) where not revoked", "create unique index on %T (id)"],
    keys: "select array_agg(token_hash) from (select token_hash from %T limit 500) as chosen",
    lookup: `select id, user_id, organization_id, assurance_level, creation_time, expiration_time, idle_limit
      from %T where token_hash = v_key and not revoked`,
    keyType: "bytea",
    // What a refresh does to the row.
    write: "update %T set token_hash = sha256(token_hash || i::text::bytea) where id = v_id",
  },
  {
    name: "covering-sign-in",
    title: "sign-in: who has an address",
    table: "user_email_indexes",
    plain: "create unique index on %T (version, email_index)",
    covering: "create unique index on %T (version, email_index) include (user_id)",
    others: [
      "create unique index on %T (id)",
      "create unique index on %T (user_id, version)",
      "create index on %T (version, domain_index)",
    ],
    keys: "select array_agg(email_index) from (select email_index from %T limit 500) as chosen",
    lookup: "select user_id from %T where version = 1 and email_index = v_key",
    keyType: "bytea",
    // As many entries as a rotation of the blind indexes writes for each person.
    write: "update %T set email_index = substr(sha256(email_index || i::text::bytea), 1, 16) where id = v_id",
  },
  {
    name: "covering-permission-check",
    title: "permission check: roles held",
    table: "user_roles",
    plain: "create unique index on %T (organization_id, user_id, role_id)",
    covering: "create unique index on %T (organization_id, user_id, role_id) include (expiration_time)",
    others: ["create index on %T (role_id)"],
    keys: "select array_agg(user_id) from (select distinct user_id from %T) as chosen",
    lookup: `select count(role_id) from %T
      where organization_id = md5('organization:1')::uuid and user_id = v_key
        and (expiration_time is null or expiration_time > now())`,
    keyType: "uuid",
    // What granting a role again, with another end, does to the row.
    write: `update %T set expiration_time = clock_timestamp() + interval '1 day'
      where organization_id = md5('organization:1')::uuid and user_id = v_key and role_id = v_id`,
    ids: "select array_agg(role_id) from (select distinct role_id from %T) as chosen",
  },
  {
    name: "covering-refresh",
    title: "refresh: session behind its token",
    table: "session_activities",
    plain: "create unique index on %T (session_id)",
    covering: "create unique index on %T (session_id) include (last_activity_time)",
    others: [],
    keys: "select array_agg(session_id) from (select session_id from %T limit 500) as chosen",
    lookup: "select last_activity_time from %T where session_id = v_key",
    keyType: "uuid",
    // What every session does once a minute.
    write: "update %T set last_activity_time = clock_timestamp() where session_id = v_id",
    ids: "select array_agg(session_id) from (select session_id from %T limit 500) as chosen",
  },
];

async function copies(client, { name, table, plain, covering, others }) {
  const made = { plain: `bench_covering.${table}_plain`, covering: `bench_covering.${table}_covering` };
  await client.query("create schema if not exists bench_covering");
  for (const [kind, index] of Object.entries({ plain, covering })) {
    const copy = made[kind];
    await client.query(`drop table if exists ${copy}`);
    await client.query(
      `create table ${copy} (like ${table} including defaults including generated including storage) with (fillfactor = ${table === "session_activities" ? 80 : 100})`,
    );
    const { rows } = await client.query(
      `select string_agg(quote_ident(attname), ', ' order by attnum) as columns from pg_attribute
       where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
      [table],
    );
    await client.query(`insert into ${copy} (${rows[0].columns}) select ${rows[0].columns} from ${table}`);
    for (const statement of [index, ...others]) await client.query(statement.replace("%T", copy));
    await client.query(`vacuum (analyze, freeze) ${copy}`);
  }
  return { name, ...made };
}

const loop = ({ keys, ids = "select array_agg(id) from (select id from %T limit 500) as chosen", keyType }, table, times, body) =>
  `do $loop$
   declare
     v_keys ${keyType}[] := (${keys});
     v_ids uuid[] := (${ids});
     v_key ${keyType};
     v_id uuid;
   begin
     for i in 1..${times} loop
       v_key := v_keys[1 + i % cardinality(v_keys)];
       v_id := v_ids[1 + i % cardinality(v_ids)];
       ${body};
     end loop;
   end;
   $loop$`.replaceAll("%T", table);

async function isIndexOnly(client, { lookup, keys }, table) {
  const text = lookup.replaceAll("v_key", `(${keys})[1]`).replaceAll("%T", table);
  const { rows } = await client.query(`explain (format json) ${text}`);
  return JSON.stringify(rows[0]).includes("Index Only Scan");
}

export const coveringIndexes = CANDIDATES.flatMap((candidate) => {
  const prepare = async (database) => {
    const client = await database.barePool(1).connect();
    await client.query("set random_page_cost = 1.1");
    return { client, tables: await copies(client, candidate) };
  };
  const sizes = async (client, tables) => {
    const { rows } = await client.query(
      "select pg_indexes_size($1::regclass) as plain, pg_indexes_size($2::regclass) as covering",
      [tables.plain, tables.covering],
    );
    return `indexes ${(Number(rows[0].covering) / Number(rows[0].plain)).toFixed(2)} × as large`;
  };
  return [
    {
      name: candidate.name,
      title: `${candidate.title}, covering index`,
      floorTitle: "the index without the other columns",
      isOptional: true,
      async measure(database, { pairs }) {
        const { client, tables } = await prepare(database);
        try {
          const indexOnly = await isIndexOnly(client, candidate, tables.covering);
          const look = (table) => () =>
            timed(() => client.query(loop(candidate, table, LOOKUPS, candidate.lookup.replace("select ", "perform "))));
          const result = await compareDuration({ pairs: pairs * 2, subject: look(tables.covering), floor: look(tables.plain) });
          return { ...result, note: `${indexOnly ? "index-only scan" : "index scan"}, ${await sizes(client, tables)}` };
        } finally {
          client.release();
        }
      },
    },
    {
      name: `${candidate.name}-writes`,
      title: `${candidate.title}, writes under a covering index`,
      floorTitle: "writes under the index without",
      isOptional: true,
      async measure(database, { pairs }) {
        const { client, tables } = await prepare(database);
        try {
          const write = (table) => () => timed(() => client.query(loop(candidate, table, WRITES, candidate.write)));
          const result = await compareDuration({ pairs: pairs * 2, subject: write(tables.covering), floor: write(tables.plain) });
          const { rows } = await client.query(
            `select pg_stat_force_next_flush(), relname, n_tup_upd, n_tup_hot_upd from pg_stat_user_tables
             where schemaname = 'bench_covering' and relid = any (array[$1, $2]::regclass[]) order by relname`,
            [tables.plain, tables.covering],
          );
          const hot = rows.map((row) => `${row.relname.split("_").at(-1)} ${Math.round((100 * row.n_tup_hot_upd) / (Number(row.n_tup_upd) || 1))} %`);
          return { ...result, note: `heap-only updates: ${hot.join(", ")}; ${await sizes(client, tables)}` };
        } finally {
          client.release();
        }
      },
    },
  ];
});
