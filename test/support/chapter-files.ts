import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Three small chapters, with what undoes them. */
export const SMALL_CHAPTERS: Readonly<Record<string, string>> = {
  "migrations/0001_animals.sql": `
/* 0001 animals */
create table animals (
  id   uuid not null,
  name text not null,
  constraint animals_pkey primary key (id)
);
comment on table animals is 'Who lives here.';
insert into animals (id, name) values ('00000000-0000-0000-0000-000000000001', 'Ada');
`,
  "migrations/0002_feedings.sql": `
/* 0002 feedings */
create table feedings (
  animal_id uuid not null,
  food      text not null,
  constraint feedings_animal_id_fkey foreign key (animal_id) references animals (id)
);
set local role safetypin_definer;
create function feed() returns integer language plpgsql security definer
  set search_path from current as $$ begin return 1; end; $$;
set local role safetypin_owner;
`,
  "migrations/0003_animal_age.sql": `
/* 0003 animals: their age */
alter table animals add column age integer;
create index animals_name_idx on animals (name);
`,
  "down/0001_animals.sql": "drop table animals;",
  "down/0002_feedings.sql": `
set local role safetypin_definer;
drop function feed();
set local role safetypin_owner;
drop table feedings;
`,
  "down/0003_animal_age.sql": `
drop index animals_name_idx;
alter table animals drop column age;
`,
};

/** A folder of chapters that a test may change. */
export interface ChapterFiles {
  /** Where the chapters are; what undoes them is in `down` beside it. */
  readonly directory: string;

  /** Writes a file, relative to the folder that holds `migrations` and `down`. */
  write(name: string, text: string): Promise<void>;

  /** Removes one. */
  remove(name: string): Promise<void>;

  /** Removes everything. */
  dispose(): Promise<void>;
}

/** Writes chapters into a folder of their own. */
export async function writeChapters(
  files: Readonly<Record<string, string>> = SMALL_CHAPTERS,
): Promise<ChapterFiles> {
  const root = await mkdtemp(join(tmpdir(), "safetypin-test-chapters-"));
  const write = async (name: string, text: string) => {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  };
  for (const [name, text] of Object.entries(files)) await write(name, text);

  return {
    directory: join(root, "migrations"),
    write,
    remove: (name) => rm(join(root, name)),
    dispose: () => rm(root, { recursive: true, force: true }),
  };
}
