-- Sealed values in the hands of an application that may write their columns: copied,
-- swapped, cut, changed and made up, none of them opens anywhere but where it was sealed.
begin;
select plan(19);

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

-- The classic: bob's own digest in ann's row, so that bob's password is ann's.
savepoint before;
update notes set digest = (select digest from notes where id = tests.user_id('bob')) where id = tests.user_id('ann');
select is(tests.digest_of('ann'), 'SP521', 'bob''s digest in ann''s row is nobody''s');
rollback to before;
update notes set id = md5('away')::uuid, digest = null, about = null, remark = null where id = tests.user_id('ann');
select is(
  tests.outcome($$ update notes set id = tests.user_id('ann') where id = tests.user_id('bob') $$), 'SP525',
  'bob''s row does not become ann''s'
);
rollback to before;
delete from notes where id = tests.user_id('ann');
insert into notes (id, user_id, organization_id, digest)
select tests.user_id('ann'), tests.user_id('ann'), organization_id, digest from notes where id = tests.user_id('bob');
select is(tests.digest_of('ann'), 'SP521', '... nor is it made anew');
rollback to before;
update notes set about = digest where id = tests.user_id('bob');
select is(tests.shown('bob'), 'SP521', 'a value in another column does not open');
rollback to before;
update notes set user_id = tests.user_id('ann') where id = tests.user_id('bob');
select is(tests.shown('bob'), 'SP521', 'what is about bob is about nobody else');
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
update notes set about = '\x010100000001'::bytea || sha512('made up') where id = tests.user_id('bob');
select is(tests.shown('bob'), 'SP521', '... and one that was made up does not open');
rollback to before;
select is(
  tests.outcome($$ update notes set about = 'in clear' where id = tests.user_id('bob') $$), 'SP525',
  '... and clear text is not written'
);

-- Between organizations
select is(
  tests.outcome($$ update notes set remark = (select remark from notes where id = tests.user_id('zoe')) where id = tests.user_id('bob') $$),
  'done',
  'what is zenith''s looks like what is acme''s'
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

-- An older value of the same row and column does open: it is in its place. Whoever may
-- write the column may put it back, as they could write what it says.
select tests.act_as_superuser();
create temporary table kept on commit drop as select about from notes where id = tests.user_id('bob');
grant select on kept to public;
update notes set about = _seal_text(90001, null, id, 'newer', user_id) where id = tests.user_id('bob');
select tests.act_as('bob', 'acme');
select is(tests.shown('bob'), 'newer', 'what is sealed anew is shown');
update notes set about = (select about from kept) where id = tests.user_id('bob');
select is(tests.shown('bob'), 'the secret of bob', '... and an older value that is put back is shown again');

select finish();
rollback;
