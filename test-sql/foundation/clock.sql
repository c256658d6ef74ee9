-- _now(): the time, never earlier than the latest time the cell has seen. What
-- has expired stays expired when somebody sets the clock back.
begin;
select plan(27);

select tests.two_organizations();

-- The mark is a sequence and does not roll back: each step says where it stands,
-- and the last one puts it back.
create function pg_temp.set_mark(p_time timestamptz)
  returns void
  language sql
as $$ select setval('clock_high_water', _mark_of(p_time)) $$;

select pg_temp.set_mark(clock_timestamp() - interval '2 minutes');
select ok(
  _now() between clock_timestamp() - interval '5 seconds' and clock_timestamp(),
  'while the clock runs, _now() is the clock'
);
select ok(
  (select _time_of(last_value) from clock_high_water) > clock_timestamp() - interval '5 seconds',
  '... and the mark has moved up to it'
);

-- Twice, half a second apart, so that one of the two is in the upper half of a second.
select pg_temp.set_mark(clock_timestamp() - interval '2 minutes');
select ok(_now() <= clock_timestamp(), 'moving the mark, _now() does not run ahead of the clock');
select ok(_now() <= clock_timestamp(), '... nor afterwards');
select pg_sleep(0.5);
select pg_temp.set_mark(clock_timestamp() - interval '2 minutes');
select ok(_now() <= clock_timestamp(), 'nor half a second later');
select ok(_now() <= clock_timestamp(), '... nor after that');

-- Whoever only reads asks for the time as well; were it to write, this would raise.
select pg_temp.set_mark(clock_timestamp() - interval '2 minutes');
savepoint reading;
set local transaction_read_only = on;
do $$ begin perform _now(); end $$;
rollback to reading;
select ok(
  (select _time_of(last_value) from clock_high_water) < clock_timestamp() - interval '1 minute',
  'in a transaction that only reads, _now() leaves the mark where it is'
);

-- A clock that was set back by an hour looks just like a mark an hour ahead.
select pg_temp.set_mark(clock_timestamp() + interval '1 hour');
select ok(
  _now() > clock_timestamp() + interval '59 minutes',
  'when the clock is set back by an hour, the time is still what it was'
);
select ok(
  _now() = _now(),
  '... and stands until the clock has caught up'
);


-- Ann's session ended, and somebody has seen that it did.
select pg_temp.set_mark(clock_timestamp());
select tests.act_as('ann', 'acme');
select is(current_user_id(), tests.user_id('ann'), 'ann is signed in');
select tests.act_as_superuser();
update sessions
set expiration_time = clock_timestamp() + interval '10 minutes'
where id = md5('session:ann:acme')::uuid;
select pg_temp.set_mark(clock_timestamp() + interval '10 minutes 2 seconds');
select tests.act_as_nobody();
select throws_ok(
  $$ select begin_request(tests.token('ann', 'acme')) $$,
  'SP101', null,
  'a session that ended at ten past stays ended when the clock says five to'
);

-- Seeing an end moves the mark over it, so that it cannot be unseen.
select tests.act_as_superuser();
select pg_temp.set_mark(clock_timestamp() - interval '30 seconds');
update sessions
set
  creation_time = clock_timestamp() - interval '1 hour',
  expiration_time = clock_timestamp() - interval '10 seconds'
where id = md5('session:ann:acme')::uuid;
select tests.act_as_nobody();
select throws_ok(
  $$ select begin_request(tests.token('ann', 'acme')) $$,
  'SP101', null,
  'ann''s session ended ten seconds ago'
);
select tests.act_as_superuser();
select is(
  (select _time_of(last_value) from clock_high_water),
  (select expiration_time from sessions where id = md5('session:ann:acme')::uuid),
  'having seen that, the cell remembers the time at which it was over'
);

-- Also of a session that ended in this very second: anybody can have one.
update sessions
set expiration_time = clock_timestamp()
where id = md5('session:ann:acme')::uuid;
select tests.act_as_nobody();
select throws_ok(
  $$ select begin_request(tests.token('ann', 'acme')) $$,
  'SP101', null,
  'a session ends, and is refused within the second'
);
select tests.act_as_superuser();
select ok(
  (select _time_of(last_value) from clock_high_water) <= clock_timestamp(),
  '... and the mark is not ahead of the clock'
);

-- A mark is a time, and the time comes back out of it as it went in.
select is(
  (
    select count(*)
    from generate_series('2026-01-01 00:00:00.000001+00', '2106-01-01', interval '40 days 7 hours 1 microsecond') as time
    where _time_of(_mark_of(time)) <> time
  ),
  0::bigint,
  'no microsecond is lost between a time and its mark'
);

-- While the clock is behind, a voiding moves the time on by as little as there is.
select pg_temp.set_mark(clock_timestamp() + interval '1 hour');
create temporary table mark on commit drop as select last_value from clock_high_water;
select is(
  _voiding_time() - (select _time_of(last_value) from mark), interval '1 microsecond',
  'a voiding under a clock that was set back is a microsecond later'
);
select is(
  (select last_value from clock_high_water) - (select last_value from mark), 1::bigint,
  '... and so is the time from then on'
);
select ok(_now() = _voiding_time() - interval '1 microsecond', '... and the next is after that');


-- Nobody moves the mark by hand.
select tests.act_as('zoe', 'zenith');
select throws_ok($$ select setval('clock_high_water', 0) $$, '42501', null, 'zoe does not set the mark back');
select throws_ok($$ select nextval('clock_high_water') $$, '42501', null, '... nor forward');
select throws_ok($$ select _now() $$, '42501', null, '... nor calls what reads it');
select tests.act_as_operator();
select throws_ok($$ select setval('clock_high_water', 0) $$, '42501', null, 'a job does not either');
select tests.act_as_nobody();
select throws_ok($$ select setval('clock_high_water', 0) $$, '42501', null, 'nor does nobody');

-- A clock that went back is something to look at.
select tests.act_as_superuser();
select pg_temp.set_mark(clock_timestamp() + interval '1 hour');
select tests.act_as_operator();
select is(raise_operational_alerts(), 1, 'maintenance notices that the clock went back');
select is(raise_operational_alerts(), 0, '... and says so once');
select tests.act_as_superuser();
select results_eq(
  $$ select alert_type, severity, status from security_alerts $$,
  $$ values ('clock_went_back', 'high', 'open') $$,
  'an alert is open'
);

select pg_temp.set_mark(clock_timestamp());
select finish();
rollback;
