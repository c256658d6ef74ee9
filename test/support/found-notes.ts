import { randomUUID } from "node:crypto";

import type { TestDatabase } from "./database.js";
import { inUnlockedCell } from "./keys.js";

/** The field of {@link FOUND_NOTES}. */
export const FIELD = 9101;

/** A table of an application of ours: a sealed column that is found by a blind index. */
export const FOUND_NOTES = `
  begin;
    set local role safetypin_owner;
    create table notes (id uuid primary key, note bytea);
    comment on column notes.note is 'What it says. [sealed]';
    alter table notes enable row level security;
    select _declare_sealed_field('notes', 'note', ${FIELD}, 'cell', 'application', 200, 'For this test.');
    create table note_indexes (
      note_id uuid not null references notes (id) on delete cascade,
      version integer not null,
      note_index bytea not null,
      primary key (note_id, version),
      unique (version, note_index)
    );
    alter table note_indexes enable row level security;
    grant select, insert, update on notes, note_indexes to safetypin_definer;
    grant select on notes to safetypin_app;
    create policy all_definer on notes to safetypin_definer using (true);
    create policy all_definer on note_indexes to safetypin_definer using (true);
    create policy select_app on notes for select to safetypin_app using (true);
    set local role safetypin_definer;
    create function _index_note(p_row_id uuid, p_version integer) returns void
      language plpgsql security definer set search_path from current
      as $$
      declare
        v_note text := (select _open_text(${FIELD}, null, id, note) from notes where id = p_row_id);
      begin
        insert into note_indexes (note_id, version, note_index)
        values (p_row_id, p_version, _blind_index(${FIELD}, null, p_version, v_note))
        on conflict (note_id, version) do update set note_index = excluded.note_index;
      end $$;
    create function keep_note(p_id uuid, p_note text) returns void
      language plpgsql security definer set search_path from current
      as $$
      declare
        v_version integer;
      begin
        insert into notes as kept (id, note) values (p_id, _seal_text(${FIELD}, null, p_id, p_note))
        on conflict (id) do update set note = excluded.note;
        foreach v_version in array _written_versions(null) loop
          perform _index_note(p_id, v_version);
        end loop;
      end $$;
    create function find_note(p_note text) returns uuid
      language plpgsql security definer set search_path from current
      as $$ begin
        return (
          select note_id from note_indexes
          where version = _looked_up_version(null)
            and note_index = _blind_index(${FIELD}, null, _looked_up_version(null), p_note)
        );
      end $$;
    grant execute on function keep_note(uuid, text), find_note(text) to safetypin_app;
    set local role safetypin_owner;
    select _declare_blind_index('note_indexes', ${FIELD}, 'note_id', '_index_note');
  commit`;

/** Keeps so many, and each says which it is. */
export const keepMany = (db: TestDatabase, count: number) =>
  inUnlockedCell(db.admin, async (client) => {
    for (let number = 1; number <= count; number += 1) {
      await client.query("select keep_note($1, $2)", [randomUUID(), `note ${number}`]);
    }
  });

/** Everything opens, to what it was, and is found. */
export async function expectWhole(db: TestDatabase, count: number): Promise<void> {
  await inUnlockedCell(db.admin, async (client) => {
    const { rows } = await client.query<{ id: string; note: string; found: string }>(
      `select id, text as note, find_note(text) as found
       from notes, lateral _open_text(${FIELD}, null, id, note) as text order by 2`,
    );
    expect(rows).toHaveLength(count);
    expect(rows.filter(({ id, found }) => id !== found)).toEqual([]);
    expect(new Set(rows.map(({ note }) => note)).size).toBe(count);
  });
}

export async function under(db: TestDatabase): Promise<Record<number, number>> {
  const { rows } = await db.admin.query<{ key: number; count: number }>(
    "select _key_id_of(note) as key, count(*)::integer as count from notes group by 1",
  );
  return Object.fromEntries(rows.map(({ key, count }) => [key, count]));
}

/** How many rows the batches say they did, in all. */
export async function told(db: TestDatabase, event: string, where: string): Promise<number> {
  const { rows } = await db.admin.query<{ sum: number }>(
    `select coalesce(sum((additional_data ->> 'count')::integer), 0)::integer as sum
     from auth_audit_logs where event_type = $1 and additional_data @> $2`,
    [event, where],
  );
  return rows[0]!.sum;
}

