/*
 * The ledger: which chapters this cell has had, and of which text
 *
 * The runner makes it before the first chapter, in the cell's own schema: the
 * package underneath looks for a table of this name in any schema and then reads
 * it unqualified, so the cell's path has to find the cell's own. Its columns are
 * that package's. Who applies chapters by hand leaves it to `safetypin migrate
 * adopt`, which compares before it writes.
 */

create table migrations (
  id          integer      not null,
  name        varchar(100) not null,
  hash        varchar(40)  not null,
  executed_at timestamp    default current_timestamp,
  constraint migrations_pkey primary key (id),
  constraint migrations_name_key unique (name)
);

alter table migrations enable row level security;
alter table migrations force row level security;

create policy all_owner on migrations
  to safetypin_owner
  using (true);

create policy select_backup on migrations
  for select
  to safetypin_backup
  using (true);

-- Nobody else: the ledger is written by whoever migrates, as the owner.
grant select on migrations to safetypin_backup;

comment on table migrations is
  'The chapters that made this cell, one row each.';
comment on column migrations.id is
  'The chapter''s number; 0 is the ledger itself. [internal]';
comment on column migrations.name is
  'The rest of the chapter''s file name. [internal]';
comment on column migrations.hash is
  'SHA-1 of the file''s name and text: a chapter that was applied may not change. [internal]';
comment on column migrations.executed_at is
  'When it was applied, UTC. [internal]';
comment on policy all_owner on migrations is
  'Row level security is forced, so even the owner needs leave.';
comment on policy select_backup on migrations is
  'A cell that is restored has to know which chapters it has had.';
