import type pg from "pg";

import { bootstrap } from "../src/migrations/bootstrap.js";
import { compareCatalogs, readCatalog } from "../src/migrations/catalog.js";
import { describeDifference } from "../src/migrations/describe-difference.js";
import { useCellNames } from "./support/cell-names.js";
import { aloneWithRoles, useDatabase } from "./support/database.js";
import { connect } from "./support/template.js";

const newCellName = useCellNames();
const cell = newCellName();
const other = newCellName();

const OBJECTS = `
create domain weight as integer constraint weight_is_positive check (value > 0);
create type mood as enum ('calm', 'wild');
create type pair as (one integer, two text);
create sequence tags;
create table owners (
  id   uuid not null,
  name text,
  constraint owners_pkey primary key (id)
);
create table animals (
  id       uuid not null,
  name     text not null default 'Ada',
  weight   weight,
  number   bigint generated always as identity,
  owner_id uuid,
  constraint animals_pkey primary key (id),
  constraint animals_owner_id_fkey foreign key (owner_id) references owners (id),
  constraint animals_name_is_short check (length(name) < 100)
);
comment on table animals is 'Who lives here.';
comment on column animals.name is 'What they answer to.';
create index animals_name_idx on animals (name);
alter table animals enable row level security;
alter table animals force row level security;
create policy select_app on animals for select to safetypin_app using (name <> '');
grant select on animals to safetypin_app;
grant update (name) on animals to safetypin_app;
create view names with (security_invoker = true) as select id, name from animals;
create function feed(p_food text default 'hay') returns text language plpgsql
  set search_path from current as $$ begin
  return p_food;
end; $$;
create function tg__touch() returns trigger language plpgsql as $$ begin return new; end; $$;
create trigger _100_touch before update on animals for each row execute function tg__touch();
create statistics animals_statistics on name, weight from animals;
create table visits (id uuid not null, month integer not null) partition by range (month);
create index visits_month_idx on visits (month);
create table visits_1 partition of visits for values from (1) to (2);
create table visits_2 partition of visits for values from (2) to (3);
create table visits_3 partition of visits for values from (3) to (4);
alter default privileges in schema current_schema grant select on sequences to safetypin_auditor;
`;

/** One change by hand, and the object that has to be named for it. */
const CHANGES: readonly (readonly [sql: string, object: string])[] = [
  ["alter table animals add column age integer", "column animals.age"],
  ["alter table animals drop column weight", "column animals.weight"],
  ["alter table owners alter name type varchar(200)", "column owners.name"],
  ["alter table animals alter name drop not null", "column animals.name"],
  ["alter table animals alter name set default 'Eve'", "column animals.name"],
  ["alter table animals alter name set storage plain", "column animals.name"],
  ["alter table animals alter name set statistics 10", "column animals.name"],
  ["alter table animals alter number drop identity", "column animals.number"],
  ["alter table animals alter number set increment 3", "sequence animals_number_seq"],
  ["comment on column animals.name is 'Other.'", "column animals.name"],
  ["comment on table animals is null", "table animals"],
  ["alter table animals owner to safetypin_definer", "table animals"],
  ["alter table animals disable row level security", "table animals"],
  ["alter table animals no force row level security", "table animals"],
  ["alter table animals set (fillfactor = 50)", "table animals"],
  ["alter table animals replica identity full", "table animals"],
  ["grant insert on animals to safetypin_app", "table animals"],
  ["grant select on animals to safetypin_app with grant option", "table animals"],
  ["grant select on animals to public", "table animals"],
  ["revoke select on animals from safetypin_app", "table animals"],
  ["revoke update (name) on animals from safetypin_app", "column animals.name"],
  ["grant update (weight) on animals to safetypin_app", "column animals.weight"],
  ["alter table animals drop constraint animals_name_is_short", "constraint animals.animals_name_is_short"],
  ["alter table animals add constraint more check (name <> 'x') not valid", "constraint animals.more"],
  [
    "alter table animals drop constraint animals_owner_id_fkey, add constraint animals_owner_id_fkey foreign key (owner_id) references owners (id) on delete cascade",
    "constraint animals.animals_owner_id_fkey",
  ],
  ["alter table animals alter constraint animals_owner_id_fkey deferrable", "constraint animals.animals_owner_id_fkey"],
  ["alter table animals rename constraint animals_name_is_short to more", "constraint animals.more"],
  ["drop index animals_name_idx", "index animals.animals_name_idx"],
  ["drop index animals_name_idx; create index animals_name_idx on animals (name desc)", "index animals.animals_name_idx"],
  ["drop index animals_name_idx; create index animals_name_idx on animals (name) where name <> ''", "index animals.animals_name_idx"],
  ["create unique index more on animals (owner_id)", "index animals.more"],
  ["drop trigger _100_touch on animals", "trigger animals._100_touch"],
  ["alter table animals disable trigger _100_touch", "trigger animals._100_touch"],
  ["create trigger more after insert on animals execute function tg__touch()", "trigger animals.more"],
  ["drop policy select_app on animals", "policy animals.select_app"],
  ["alter policy select_app on animals using (true)", "policy animals.select_app"],
  ["alter policy select_app on animals to safetypin_auditor", "policy animals.select_app"],
  ["alter policy select_app on animals to public", "policy animals.select_app"],
  [
    "drop policy select_app on animals; create policy select_app on animals as restrictive for select to safetypin_app using (name <> '')",
    "policy animals.select_app",
  ],
  ["create policy more on animals using (true)", "policy animals.more"],
  ["create rule more as on delete to animals do instead nothing", "rule animals.more"],
  ["alter view names set (security_invoker = false)", "view names"],
  ["create or replace view names as select id, name from animals where name <> ''", "view names"],
  ["grant select on names to public", "view names"],
  [
    "create or replace function feed(p_food text default 'hay') returns text language plpgsql set search_path from current as $$ begin return 'grass'; end; $$",
    "function feed(p_food text)",
  ],
  ["alter function feed(text) security definer", "function feed(p_food text)"],
  ["alter function feed(text) stable", "function feed(p_food text)"],
  ["alter function feed(text) strict", "function feed(p_food text)"],
  ["alter function feed(text) parallel safe", "function feed(p_food text)"],
  ["alter function feed(text) cost 7", "function feed(p_food text)"],
  ["alter function feed(text) reset search_path", "function feed(p_food text)"],
  ["alter function feed(text) set search_path = public", "function feed(p_food text)"],
  ["alter function feed(text) set work_mem = '8MB'", "function feed(p_food text)"],
  ["alter function feed(text) owner to safetypin_keyholder", "function feed(p_food text)"],
  ["revoke execute on function feed(text) from public", "function feed(p_food text)"],
  ["comment on function feed(text) is 'x'", "function feed(p_food text)"],
  ["drop function feed(text)", "function feed(p_food text)"],
  ["create function feed() returns text language sql return 'x'", "function feed()"],
  ["alter type mood add value 'sad'", "enum mood"],
  ["grant usage on type mood to safetypin_app", "enum mood"],
  ["alter type pair add attribute three integer", "column pair.three"],
  ["alter domain weight drop constraint weight_is_positive", "constraint weight.weight_is_positive"],
  ["alter domain weight set not null", "domain weight"],
  ["alter sequence tags increment 7", "sequence tags"],
  ["grant usage on sequence tags to safetypin_app", "sequence tags"],
  ["drop statistics animals_statistics", "statistics animals_statistics"],
  ["alter statistics animals_statistics set statistics 9", "statistics animals_statistics"],
  ["create table more (id integer)", "table more"],
  ["create materialized view more as select 1 as one", "materialized view more"],
  ["create collation more (locale = 'C')", "object collation more"],
  ["create text search configuration more (copy = simple)", "object text search configuration more"],
  ["alter default privileges in schema current_schema grant update on sequences to safetypin_app", "default privileges of postgres on sequences here"],
  ["revoke usage on schema current_schema from safetypin_definer", "schema"],
  ["comment on schema current_schema is 'x'", "schema"],
  ["alter table visits_2 enable row level security", "partition visits_2, unlike its siblings"],
  ["grant select on visits_2 to safetypin_app", "partition visits_2, unlike its siblings"],
  ["create index more on visits_2 (id)", "partition visits_2, unlike its siblings"],
  ["alter table visits_2 add constraint more check (month > 0)", "partition visits_2, unlike its siblings"],
  ["alter table visits detach partition visits_2", "table visits_2"],
  ["drop table visits_1, visits_2, visits_3", "partitions of visits"],
];

describe("the catalog of a cell", () => {
  const database = useDatabase({ template: "empty" });
  let client: pg.Client;

  const read = (schema: string) => readCatalog(client, schema, "extensions");

  beforeAll(async () => {
    client = await connect(database.connectionString("admin"));
    for (const name of [cell, other]) {
      await aloneWithRoles(() => bootstrap(client, { cell: name }));
      await client.query(`set search_path = ${name}, extensions, pg_temp`);
      await client.query(OBJECTS.replaceAll("current_schema", name));
    }
    await client.query(`set search_path = ${cell}, extensions, pg_temp`);
  });

  afterEach(() => client.query("rollback"));

  afterAll(() => client.end());

  test("reads the same in two schemas that the same text made, except for the schema itself", async () => {
    const differences = compareCatalogs(await read(cell), await read(other));
    expect([...new Set(differences.map(({ object }) => object))]).toEqual(["schema"]);
  });

  test("does not change when partitions are added that are like the others", async () => {
    const before = await read(cell);
    await client.query("begin; create table visits_4 partition of visits for values from (4) to (5)");
    expect(compareCatalogs(before, await read(cell))).toEqual([]);
    await client.query("rollback");
  });

  test("does not change when partitions come out of a dump, which makes them first and attaches them then", async () => {
    const before = await read(cell);
    await client.query(
      `begin;
       create table visits_4 (id uuid not null, month integer not null);
       alter table visits attach partition visits_4 for values from (4) to (5)`,
    );
    expect(compareCatalogs(before, await read(cell))).toEqual([]);
    await client.query("rollback");
  });

  test.each(CHANGES)("notices: %s", async (sql, object) => {
    const before = await read(cell);
    await client.query("begin");
    await client.query(sql.replaceAll("current_schema", cell));
    const differences = compareCatalogs(before, await read(cell));
    await client.query("rollback");

    expect(differences.map((difference) => difference.object)).toContain(object);
    expect(compareCatalogs(before, await read(cell))).toEqual([]);
  });

  test("tells a difference as a person would want to read it", () => {
    expect(
      describeDifference({
        object: "function feed(p_food text)",
        property: "body",
        expected: " begin\n  return p_food;\nend; ",
        found: " begin\n  return 'grass';\nend; ",
      }),
    ).toBe(
      [
        "  function feed(p_food text), body, line 2",
        "     begin",
        "-     return p_food;",
        "+     return 'grass';",
        "    end; ",
      ].join("\n"),
    );
    expect(
      describeDifference({ object: "table more", property: undefined, expected: undefined, found: "there" }),
    ).toBe("+ table more");
    expect(
      describeDifference({
        object: "policy animals.select_app",
        property: "using",
        expected: "name <> ''::text",
        found: "true",
      }),
    ).toBe("  policy animals.select_app, using\n-   name <> ''::text\n+   true");
  });
});
