-- Sealed values in the hands of an application that may write their columns: copied,
-- swapped, cut, changed, made up and put back, none of them is written; and past the trigger
-- that refuses them, none opens anywhere but where it was sealed.
begin;
select plan(33);

select tests.two_organizations();
select tests.notes();
select tests.unlock();
select tests.unlock('acme');
select tests.unlock('zenith');

-- The worst case: every column is the application's to read and to write.
grant select, insert, update, delete on notes to safetypin_app;
insert into notes (id, organization_id, user_id, about, remark, digest)
select
  tests.user_id(name), tests.organization_id(organization), tests.user_id(name),
  _seal_text(90001, null, tests.user_id(name), 'the secret of ' || name, tests.user_id(name)),
  _seal_text(90002, tests.organization_id(organization), tests.user_id(name), 'remark on ' || name),
  _seal_text(90003, null, tests.user_id(name), 'the digest of ' || name)
from (values ('ann', 'acme'), ('bob', 'acme'), ('zoe', 'zenith')) as people (name, organization);

-- As a careful function would compare it, and as a list would show it.
create function tests.digest_of(p_name text) returns text language plpgsql security definer as $body$
begin
  return _open_text(90003, null, id, digest) from notes where id = tests.user_id(p_name);
exception
  when others then return sqlstate;
end;
$body$;
create function tests.shown(p_name text) returns text language plpgsql as $body$
begin
  return (open_fields(90001, array[id], array[about], array[user_id]))[1] from notes where id = tests.user_id(p_name);
exception
  when others then return sqlstate;
end;
$body$;

-- What an application may write is refused; what is written past the trigger, into the
-- files of the table or by a superuser, opens nowhere but in its place.
create function tests.written(p_sql text) returns text language plpgsql as $body$
begin
  if tests.outcome(p_sql) = 'SP525' then
    perform tests.act_as_superuser();
    set local session_replication_role = replica;
    execute p_sql;
    set local session_replication_role = origin;
    perform tests.act_as('bob', 'acme');
    return 'SP525';
  end if;
  return 'done';
end;
$body$;
select tests.act_as('bob', 'acme');
select is(tests.shown('bob'), 'the secret of bob', 'in its row a value opens');
select is(tests.digest_of('bob'), 'the digest of bob', '... and what the database compares');
select throws_ok(
  $$ select open_fields(90003, array[id], array[digest]) from notes where id = tests.user_id('ann') $$, 'SP222', null,
  'bob has no digest opened'
);
select is(
  tests.outcome($$ select open_fields(90001, array[tests.user_id('ann')], array[digest], array[tests.user_id('ann')])
                   from notes where id = tests.user_id('ann') $$),
  'SP521',
  '... not as if it were something that is opened for him'
);

savepoint before;

-- The classic: bob's own digest in ann's row, so that bob's password is ann's.
select is(
  tests.written($$ update notes set digest = (select digest from notes where id = tests.user_id('bob')) where id = tests.user_id('ann') $$),
  'SP525',
  'bob''s digest is not written to ann''s row'
);
select is(tests.digest_of('ann'), 'SP521', '... where it is nobody''s');
rollback to before;
update notes set id = md5('away')::uuid, digest = null, about = null, remark = null where id = tests.user_id('ann');
select is(
  tests.written($$ update notes set id = tests.user_id('ann') where id = tests.user_id('bob') $$), 'SP525',
  'bob''s row does not become ann''s'
);
select is(tests.digest_of('ann'), 'SP521', '... and where it does it opens no more');
rollback to before;
delete from notes where id = tests.user_id('ann');
select is(
  tests.written($$ insert into notes (id, user_id, organization_id, digest)
                   select tests.user_id('ann'), tests.user_id('ann'), organization_id, digest from notes where id = tests.user_id('bob') $$),
  'SP525',
  'nor is ann''s row made anew with it'
);
select is(tests.digest_of('ann'), 'SP521', '... where it is nobody''s');
rollback to before;
select is(
  tests.written($$ update notes set about = digest where id = tests.user_id('bob') $$), 'SP525',
  'a value is not written to another column'
);
select is(tests.shown('bob'), 'SP521', '... where it does not open');
rollback to before;
select is(
  tests.written($$ update notes set user_id = tests.user_id('ann') where id = tests.user_id('bob') $$), 'SP525',
  'what is about bob does not become about ann'
);
select is(tests.shown('bob'), 'SP521', '... where it is about nobody');
rollback to before;
update notes set about = null where id = tests.user_id('bob');
select is(tests.shown('bob'), null, 'what may be written may be lost');
rollback to before;

-- Changed, cut and made up
update notes set about = set_byte(about, 40, get_byte(about, 40) # 1) where id = tests.user_id('bob');
select is(tests.shown('bob'), 'SP521', 'a value of which a bit was changed does not open');
rollback to before;
select is(
  tests.outcome($$ update notes set about = substr(about, 1, 60) where id = tests.user_id('bob') $$), 'SP525',
  'one that was cut is not even written'
);
select is(
  tests.written($$ update notes set about = '\x010100000001'::bytea || sha512('made up') where id = tests.user_id('bob') $$), 'SP525',
  '... nor one that was made up'
);
select is(tests.shown('bob'), 'SP521', '... which does not open either');
rollback to before;
select is(
  tests.outcome($$ update notes set about = 'in clear' where id = tests.user_id('bob') $$), 'SP525',
  '... and clear text is not written'
);

-- Between organizations
select is(
  tests.written($$ update notes set remark = (select remark from notes where id = tests.user_id('zoe')) where id = tests.user_id('bob') $$),
  'SP525',
  'what is zenith''s is not written to what is acme''s'
);
select is(
  tests.outcome($$ select open_fields(90002, array[id], array[remark]) from notes where id = tests.user_id('bob') $$), 'SP521',
  '... and does not open there'
);
select is(
  tests.outcome($$ select open_fields(90002, array[id], array[remark]) from notes where id = tests.user_id('zoe') $$), 'SP521',
  '... nor in its own row, for one who acts in acme'
);
rollback to before;

-- An older value of the same row and column is in its place, and would open there. Whoever
-- may write the column has it from a read of theirs, or from a dump, and puts it back.
select tests.act_as_superuser();
create temporary table kept on commit drop as
select about, tests.sealed_before(90001, null, id, 'older', user_id) as older from notes where id = tests.user_id('bob');
grant select on kept to public;
select tests.act_as('bob', 'acme');
savepoint kept;
select is(
  tests.written($$ update notes set about = (select older from kept) where id = tests.user_id('bob') $$), 'SP525',
  'what another transaction sealed for this very row is not put back'
);
select is(tests.shown('bob'), 'older', '... which opens there, once it is put there past the trigger');
update notes set about = about || '' where id = tests.user_id('bob');
update notes set user_id = user_id where id = tests.user_id('bob');
select is(tests.shown('bob'), 'older', '... and stays where it stands, as any value does');
select is(
  tests.outcome($$ with gone as (delete from notes where id = tests.user_id('bob') returning *)
                   insert into notes (id, organization_id, user_id, about) select md5('away')::uuid, organization_id, user_id, about from gone $$),
  'SP525',
  '... and goes nowhere from there'
);
rollback to kept;
delete from notes where id = tests.user_id('bob');
select is(
  tests.written($$ insert into notes (id, organization_id, user_id, about)
                   select tests.user_id('bob'), tests.organization_id('acme'), tests.user_id('bob'), older from kept $$),
  'SP525',
  '... nor is it, where the row is deleted and made anew'
);
rollback to kept;
select is(
  tests.outcome($$ insert into notes (id, about) select tests.user_id('bob'), older from kept
                   on conflict (id) do update set about = excluded.about $$),
  'SP525',
  '... nor where it is inserted over'
);
select is(
  tests.outcome($$ merge into notes using kept on notes.id = tests.user_id('bob') when matched then update set about = older $$),
  'SP525',
  '... nor where it is merged'
);
update notes set about = null where id = tests.user_id('bob');
select is(
  tests.written($$ update notes set about = (select older from kept) where id = tests.user_id('bob') $$), 'SP525',
  '... nor by way of nothing'
);
rollback to kept;

-- What the transaction sealed itself it may write as often as it likes.
update notes set about = null where id = tests.user_id('bob');
select is(
  tests.outcome($$ update notes set about = (select about from kept) where id = tests.user_id('bob') $$), 'done',
  'what this transaction sealed it may put back'
);
select is(tests.shown('bob'), 'the secret of bob', '... and it is shown');

select finish();
rollback;
