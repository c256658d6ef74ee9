import type { ClientBase } from "pg";

import { groupBy, heading, table } from "./markdown.js";

const PREFACE = `# What is kept, and how it is classed

Generated from the comments of the columns by \`npm run docs:generate\`; a test compares
the two, and a column without a class fails another.

| class | what it means |
|---|---|
| public | the same for everybody, and about nobody |
| internal | ids, states and times: meaningless outside, telling nothing of a person by itself |
| personal | says something about a person; redacted in the record of changes |
| secret | digests, salts, keys; granted to no role that people or programs log in as |
| sealed | ciphertext |
`;

interface ClassifiedColumn {
  readonly relation: string;
  readonly about: string;
  readonly column: string;
  readonly class: string;
  readonly comment: string;
}

/** `docs/data-inventory.md`: every column of every table of the cell, by its class. */
export async function renderDataInventory(client: ClientBase): Promise<string> {
  const { rows } = await client.query<ClassifiedColumn>(COLUMNS);
  const sections = [...groupBy(rows, ({ relation }) => relation)].map(([relation, columns]) =>
    [
      heading(relation),
      `${columns[0]?.about ?? ""}\n`,
      table(["column", "class", "what it is"], columns.map((it) => [it.column, it.class, it.comment])),
    ].join("\n"),
  );
  return [PREFACE, ...sections].join("\n");
}

const COLUMNS = `
  select
    relname as relation,
    obj_description(pg_class.oid, 'pg_class') as about,
    attname as column,
    substring(col_description(attrelid, attnum) from '\\[([a-z]+)\\]$') as class,
    regexp_replace(col_description(attrelid, attnum), ' \\[[a-z]+\\]$', '') as comment
  from pg_class
  join pg_attribute on attrelid = pg_class.oid
  where relnamespace = current_schema()::regnamespace
    and relkind in ('r', 'p')
    and not relispartition
    and attnum > 0
    and not attisdropped
  order by relname collate "C", attnum
`;
