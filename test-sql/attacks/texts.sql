-- Texts that pass for another line in a log, turn around what is read beside them, look
-- like something else, or fill evidence that nobody may delete.
begin;

select tests.two_organizations();
create temporary table texts (what text, text text) on commit drop;
insert into texts
values
  ('another line', E'Ann\r\nroot: all is well'),
  ('a colour of the terminal', E'Ann\x1b[31m'),
  ('a mark that turns text around', E'Ann \u202egnp'),
  ('one that does so with numbers', E'Ann\u2066'),
  ('nothing to see', E'A\u200bnn'),
  ('a mark of byte order', E'Ann\ufeff'),
  ('a control character of the second set', E'Ann\u009b31m'),
  ('too much', repeat('a', 3000000));
grant select on texts to public;

create temporary table ways (way text, statement text) on commit drop;
insert into ways
values
  ('a first name', $$ update users set first_name = %L where id = current_user_id() $$),
  ('a last name', $$ update users set last_name = %L where id = current_user_id() $$),
  ('a job title', $$ update users set job_title = %L where id = current_user_id() $$),
  ('a language', $$ update users set locale = 'en' || regexp_replace(%L, '(a)', '-\1aaaaaa', 'g') where id = current_user_id() $$),
  ('a name of an organization', $$ update organizations set name = %L $$),
  ('settings', $$ update organizations set settings = jsonb_build_object('locale', %L::text) $$),
  ('the name of a role', $$ select create_role(%L) $$),
  ('its description', $$ select create_role('role', %L) $$),
  ('a reason', $$ select assign_role(tests.user_id('bob'), md5('role:night')::uuid, null, %L) $$),
  ('a note', $$ select resolve_alert(md5('alert')::uuid, %L) $$);
grant select on ways to public;

select plan((count(*) + 7)::integer)
from texts cross join ways
where not (way = 'settings' and text ~ '[\x01-\x1f]')
  and not (way = 'its description' and what = 'another line');

insert into security_alerts (id, organization_id, alert_type, severity)
values (md5('alert')::uuid, tests.organization_id('acme'), 'refresh_token_reused', 'high');

select tests.act_as('ann', 'acme');
select create_role('Night shift', E'Works at night.\nSees little.', md5('role:night')::uuid);
select pass('a description may have several lines');

select throws_ok(format(statement, text), '23514', null, format('%s is not %s', way, what))
from texts cross join ways
-- JSON spells those out, and a description has lines; their carriage return is refused below.
where not (way = 'settings' and text ~ '[\x01-\x1f]')
  and not (way = 'its description' and what = 'another line')
order by way, what;
select throws_ok($$ select create_role('role', E'a\rb') $$, '23514', null, 'a description has lines, and no carriage returns');
select throws_ok($$ update organizations set name = '   ' $$, '23514', null, 'a name is not made of spaces');
select throws_ok($$ update users set first_name = ' ' where id = current_user_id() $$, '23514', null, '... nor is a person''s');
select lives_ok($$ update users set first_name = 'Zoë', last_name = 'O''Neill-García 李' where id = current_user_id() $$, 'people are called what they are called');
select lives_ok($$ update users set last_name = E'می\u200cخواهم' where id = current_user_id() $$, '... in whichever script');

-- What cannot be refused, since it is evidence, is made harmless
select begin_request(tests.token('ann', 'acme'), null, repeat(E'\u202e\n', 100000));
select set_session_data('{}');
select is(
  (select user_agent from tests.events('session.data_set') order by recorded_at desc limit 1), repeat('?', 1000),
  'a user agent is cut, and what is not to be seen is a question mark'
);

select finish();
rollback;
