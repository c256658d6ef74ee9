/*
 * 0015 passwords: what proves them, and how they are set, kept and forgotten
 *
 * The database never sees a password. The application digests it with bcrypt
 * (in the database each digest would hold a backend for a quarter of a second)
 * and three ideas keep that honest:
 *
 * - No digest ever leaves, and none is kept in clear: each is sealed under the
 *   cell's key and its owner's salt, and opened to judge one proof. Signing in is
 *   begun with an address and answered with a salt and a nonce; what comes back is
 *   HMAC(digest, attempt | nonce), which only the password can make and which is
 *   good for one attempt.
 * - An attempt is charged (0014) before anything is compared, and in a transaction
 *   of its own. The proof is handed in by a second transaction and judged by a
 *   third: a caller who could judge and roll back would have guesses for free.
 *   So each function here looks only at what an earlier transaction committed.
 * - Reuse is a unique constraint. Every password is also digested under the
 *   person's fixed history salt, so that equal passwords have equal blind indexes.
 *
 * An address that nobody has is treated like one that somebody has, line by
 * line: the same rows are written and the same time is spent.
 */

set local role safetypin_owner;


--
-- Tables
--

create table password_credentials (
  user_id          uuid not null,
  digest           bytea not null,
  salt             text not null,
  history_salt     text not null,
  set_time         timestamptz not null default now(),
  must_change      boolean not null default false,
  compromised_time timestamptz,
  disabled_time    timestamptz,

  constraint password_credentials_pkey primary key (user_id),
  constraint password_credentials_user_id_fkey
    foreign key (user_id) references users (id) on delete cascade,
  constraint password_credentials_salt_is_bcrypts
    check (salt ~ '^\$2a\$(1[2-9]|2[0-9]|3[01])\$[./A-Za-z0-9]{22}$'),
  constraint password_credentials_history_salt_is_bcrypt
    check (history_salt ~ '^[./A-Za-z0-9]{22}$')
);

comment on table password_credentials is 'What proves a person''s password. Granted to nobody.';
comment on column password_credentials.user_id is 'Whose. [internal]';
comment on column password_credentials.digest is
  'bcrypt of the pre-hashed password, under a salt of its own. [sealed]';
comment on column password_credentials.salt is
  'The salt of the digest, cost and all: what whoever signs in is answered. [secret]';
comment on column password_credentials.history_salt is
  'The salt under which every password of this person is digested as well. [secret]';
comment on column password_credentials.set_time is 'When the password was set. [internal]';
comment on column password_credentials.must_change is
  'Whether it must be changed before it opens a session. [internal]';
comment on column password_credentials.compromised_time is
  'When it was found to be known to others; null while it is not. [internal]';
comment on column password_credentials.disabled_time is
  'When the hundredth failure in a row disabled it, until it is reset; null while it works. [internal]';


create table password_history (
  id            uuid not null default new_id(),
  user_id       uuid not null,
  digest        bytea not null,
  salt          text not null,
  creation_time timestamptz not null default now(),

  constraint password_history_pkey primary key (id),
  constraint password_history_user_id_fkey
    foreign key (user_id) references users (id) on delete cascade,
  constraint password_history_salt_is_bcrypts
    check (salt ~ '^\$2a\$(1[2-9]|2[0-9]|3[01])\$[./A-Za-z0-9]{22}$')
);

create index password_history_user_id_idx on password_history (user_id);

comment on table password_history is
  'A person''s last passwords, each digested under their history salt. Granted to nobody.';
comment on column password_history.id is 'The id of the entry. [internal]';
comment on column password_history.user_id is 'Whose. [internal]';
comment on column password_history.digest is 'bcrypt under the history salt: equal for equal passwords. [sealed]';
comment on column password_history.salt is
  'The salt it was made under, cost and all. [secret]';
comment on column password_history.creation_time is 'When the password was set. [internal]';

-- $2a$ and nothing else: pgcrypto's crypt() does not know $2b$ and silently falls
-- back to DES.
select _declare_sealed_field(
  'password_credentials', 'digest', 5, 'cell', 'database', 60,
  'Whoever has it signs in with it, and guesses at the password at their leisure.',
  p_subject_column => 'user_id',
  p_pattern => '^\$2a\$(1[2-9]|2[0-9]|3[01])\$[./A-Za-z0-9]{53}$',
  p_constraint_name => 'password_credentials_digest_is_bcrypt'
);
select _declare_sealed_field(
  'password_history', 'digest', 6, 'cell', 'database', 60,
  'Whoever has it guesses at the password, which its owner may still use elsewhere.',
  p_subject_column => 'user_id',
  p_pattern => '^\$2a\$(1[2-9]|2[0-9]|3[01])\$[./A-Za-z0-9]{53}$',
  p_constraint_name => 'password_history_digest_is_bcrypt'
);


-- What is sealed is never twice the same, so equal passwords are found by this.
create table password_history_indexes (
  id                  uuid not null default new_id(),
  password_history_id uuid not null,
  user_id             uuid not null,
  version             integer not null,
  digest_index        bytea not null,

  constraint password_history_indexes_pkey primary key (id),
  constraint password_history_indexes_password_history_id_version_key
    unique (password_history_id, version),
  constraint password_history_indexes_user_id_version_digest_index_key
    unique (user_id, version, digest_index),
  constraint password_history_indexes_password_history_id_fkey
    foreign key (password_history_id) references password_history (id) on delete cascade,
  constraint password_history_indexes_user_id_fkey
    foreign key (user_id) references users (id) on delete cascade,
  constraint password_history_indexes_digest_index_is_16_bytes
    check (octet_length(digest_index) = 16)
);

comment on table password_history_indexes is
  'The blind indexes of a person''s last passwords, one for each version that is written: equal for equal passwords. Granted to nobody.';
comment on column password_history_indexes.id is 'The id of the index. [internal]';
comment on column password_history_indexes.password_history_id is 'Of which entry. [internal]';
comment on column password_history_indexes.user_id is 'Whose. [internal]';
comment on column password_history_indexes.version is 'Of which version of the blind indexes. [internal]';
comment on column password_history_indexes.digest_index is
  '16 bytes of HMAC-SHA-256 of the digest, under a key of the cell''s. [secret]';


create table password_attempts (
  id              uuid not null default new_id(),
  user_id         uuid,
  account_id      uuid not null,
  address_id      uuid,
  email           bytea,
  email_digest    bytea not null,
  nonce           bytea not null,
  salt            text not null,
  ip_address      bytea,
  ip_index        bytea,
  user_agent      text,
  creation_time   timestamptz not null default now(),
  expiration_time timestamptz not null,
  xid             bigint not null default txid_current(),
  proof           bytea,
  proof_xid       bigint,
  finished_time   timestamptz,
  succeeded       boolean,
  session_id      uuid,

  constraint password_attempts_pkey primary key (id),
  constraint password_attempts_user_id_fkey
    foreign key (user_id) references users (id) on delete cascade,
  constraint password_attempts_nonce_is_random check (octet_length(nonce) = 32),
  constraint password_attempts_ip_index_is_16_bytes check (octet_length(ip_index) = 16),
  constraint password_attempts_user_agent_is_one_line
    check (is_printable(user_agent) and char_length(user_agent) <= 1000),
  constraint password_attempts_salt_is_bcrypts
    check (salt ~ '^\$2a\$[0-9]{2}\$[./A-Za-z0-9]{22}$'),
  constraint password_attempts_proof_is_a_digest check (octet_length(proof) = 32),
  constraint password_attempts_proof_has_a_transaction
    check ((proof is null) = (proof_xid is null)),
  constraint password_attempts_finished_ones_say_how
    check ((finished_time is null) = (succeeded is null))
);

create index password_attempts_user_id_idx on password_attempts (user_id);
create index password_attempts_expiration_time_idx on password_attempts (expiration_time);

comment on table password_attempts is
  'Checks of a password under way: two minutes each, and one proof.';
comment on column password_attempts.id is 'The id of the attempt. [internal]';
comment on column password_attempts.user_id is 'Whose account; null for an address nobody has. [internal]';
comment on column password_attempts.account_id is 'What the account is throttled by. [internal]';
comment on column password_attempts.address_id is
  'What the network address is throttled by; null when none was given. [internal]';
comment on column password_attempts.email is 'The address that was typed, as access_attempt_logs will have it; null where it is not known. [sealed]';
comment on column password_attempts.email_digest is 'The keyed digest of the address that was typed. [secret]';
comment on column password_attempts.nonce is 'What makes the proof good once. [secret]';
comment on column password_attempts.salt is
  'What was answered to digest the password under, cost and all. [internal]';
comment on column password_attempts.ip_address is
  'Where from, as the application says, and as access_attempt_logs will have it; null when it does not. [sealed]';
comment on column password_attempts.ip_index is 'What attempts from there will be found by; null when there is none. [secret]';
comment on column password_attempts.user_agent is 'With what, as the application says. [personal]';
comment on column password_attempts.creation_time is 'When it began. [internal]';
comment on column password_attempts.expiration_time is 'When it ends. [internal]';
comment on column password_attempts.xid is 'The transaction that began it. [internal]';
comment on column password_attempts.proof is
  'HMAC-SHA-256 of attempt and nonce under the digest; null until it is handed in. [secret]';
comment on column password_attempts.proof_xid is 'The transaction that handed it in. [internal]';
comment on column password_attempts.finished_time is 'When it was judged; null until then. [internal]';
comment on column password_attempts.succeeded is 'How it was judged; null until then. [internal]';
comment on column password_attempts.session_id is 'The session it opened, if it did. [internal]';

-- An attempt becomes evidence whenever it ends, perhaps swept by a job that has no key. So
-- what is sealed is sealed for the evidence, whose row has the attempt's id, from the
-- beginning.
select _declare_sealed_field(
  'password_attempts', 'email', 9, 'cell', 'database', 1280,
  'It names a person, or somebody whom an attacker took for one.',
  p_subject_column => 'user_id',
  p_sealed_as => 7
);
select _declare_sealed_field(
  'password_attempts', 'ip_address', 10, 'cell', 'database', 49,
  'It says where somebody was.',
  p_subject_column => 'user_id',
  p_sealed_as => 8
);
select _declare_sealed_field(
  'access_attempt_logs', 'email', 7, 'cell', 'application', 1280,
  'It names a person, or somebody whom an attacker took for one.',
  p_subject_column => 'user_id'
);
select _declare_sealed_field(
  'access_attempt_logs', 'ip_address', 8, 'cell', 'application', 49,
  'It says where somebody was.',
  p_subject_column => 'user_id'
);


-- Twenty rows, made here and never more or fewer: one for each cost that a digest can have.
create table password_costs (
  id               uuid not null default new_id(),
  cost             integer not null,
  credential_count bigint not null default 0,

  constraint password_costs_pkey primary key (id),
  constraint password_costs_cost_key unique (cost),
  constraint password_costs_cost_is_a_digests check (cost between 12 and 31),
  constraint password_costs_credentials_are_counted check (credential_count >= 0)
) with (fillfactor = 20);

comment on table password_costs is
  'How many credentials there are of each cost of bcrypt, so that an address nobody has can be answered as often at an old cost as one that somebody has.';
comment on column password_costs.id is 'The id of the count. [internal]';
comment on column password_costs.cost is 'The cost of bcrypt. [internal]';
comment on column password_costs.credential_count is 'How many digests have it. [internal]';


create table password_blocklist (
  id      uuid not null default new_id(),
  prefix  integer not null,
  digests bytea not null,

  constraint password_blocklist_pkey primary key (id),
  constraint password_blocklist_prefix_key unique (prefix),
  constraint password_blocklist_prefix_is_a_byte check (prefix between 0 and 255),
  constraint password_blocklist_digests_are_five_bytes_each check (octet_length(digests) % 5 = 0)
);

comment on table password_blocklist is
  'Passwords that many people use, as digests cut to six bytes: the first byte is the row, the other five stand in it, in order.';
comment on column password_blocklist.id is 'The id of the bucket. [public]';
comment on column password_blocklist.prefix is 'The first byte of the digests in it. [public]';
comment on column password_blocklist.digests is 'The other five bytes of each, in order. [public]';


--
-- Who sees what: almost nobody
--

alter table password_credentials enable row level security;
alter table password_credentials force row level security;
alter table password_history enable row level security;
alter table password_history force row level security;
alter table password_history_indexes enable row level security;
alter table password_history_indexes force row level security;
alter table password_attempts enable row level security;
alter table password_attempts force row level security;
alter table password_blocklist enable row level security;
alter table password_blocklist force row level security;
alter table password_costs enable row level security;
alter table password_costs force row level security;

select _record_changes_of('password_credentials', p_key => '{user_id}');

-- The harmless columns of one's own, for published_users.
create policy select_self on password_credentials
  for select
  to safetypin_app
  using (user_id = (select current_user_id()));
comment on policy select_self on password_credentials is
  'Everybody sees the harmless columns of their own, as published_users shows them.';

-- Before anybody is signed in.
create policy select_definer on password_credentials
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on password_credentials is
  'Proofs are judged before anybody is signed in.';

create policy insert_definer on password_credentials
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on password_credentials is
  'A first password is set in functions.';

create policy update_definer on password_credentials
  for update
  to safetypin_definer
  using (true);
comment on policy update_definer on password_credentials is
  'A password is changed, reset, rehashed or disabled in functions.';

create policy delete_definer on password_credentials
  for delete
  to safetypin_definer
  using (true);
comment on policy delete_definer on password_credentials is
  'Whoever is shredded has no password any more.';

create policy select_definer on password_history
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on password_history is
  'The last passwords are read to keep as many as the policy says.';

create policy insert_definer on password_history
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on password_history is
  'Every password that is set is remembered.';

create policy delete_definer on password_history
  for delete
  to safetypin_definer
  using (true);
comment on policy delete_definer on password_history is
  'Passwords beyond the policy''s memory are forgotten.';

create policy select_definer on password_history_indexes
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on password_history_indexes is
  'A password that was used before is looked for.';

create policy insert_definer on password_history_indexes
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on password_history_indexes is
  'Every password that is set is remembered.';

create policy select_definer on password_attempts
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on password_attempts is
  'Attempts are judged before anybody is signed in.';

create policy insert_definer on password_attempts
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on password_attempts is
  'Attempts begin in begin_password_check().';

create policy update_definer on password_attempts
  for update
  to safetypin_definer
  using (true);
comment on policy update_definer on password_attempts is
  'Attempts get their proof, and are judged once.';

create policy delete_definer on password_attempts
  for delete
  to safetypin_definer
  using (true);
comment on policy delete_definer on password_attempts is 'Attempts that are over are swept.';

create policy select_everyone on password_blocklist
  for select
  to safetypin_app, safetypin_definer, safetypin_owner, safetypin_backup
  using (true);
comment on policy select_everyone on password_blocklist is
  'Which passwords are common is no secret.';

create policy insert_owner on password_blocklist
  for insert
  to safetypin_owner
  with check (true);
comment on policy insert_owner on password_blocklist is 'Seeds load the list.';

create policy update_owner on password_blocklist
  for update
  to safetypin_owner
  using (true);
comment on policy update_owner on password_blocklist is 'Seeds load a newer list.';

create policy select_definer on password_costs
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on password_costs is
  'What an address nobody has is answered is chosen before anybody is signed in.';

create policy insert_owner on password_costs
  for insert
  to safetypin_owner
  with check (true);
comment on policy insert_owner on password_costs is 'The counts are made by their chapter.';

create policy update_definer on password_costs
  for update
  to safetypin_definer
  using (true);
comment on policy update_definer on password_costs is
  'Credentials are counted by their trigger.';

create policy select_backup on password_costs
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on password_costs is 'A backup holds every row.';

create policy select_backup on password_credentials
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on password_credentials is 'A backup holds every row.';

create policy select_backup on password_history
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on password_history is 'A backup holds every row.';

create policy select_backup on password_history_indexes
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on password_history_indexes is 'A backup holds every row.';

create policy select_backup on password_attempts
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on password_attempts is 'A backup holds every row.';

grant select (user_id, set_time, must_change) on password_credentials to safetypin_app;
grant select on password_blocklist to safetypin_app, safetypin_definer, safetypin_backup;

grant select on
  password_credentials, password_history, password_history_indexes, password_attempts,
  password_costs
  to safetypin_definer, safetypin_backup;
grant insert (user_id, digest, salt, history_salt, set_time)
  on password_credentials to safetypin_definer;
grant update (digest, salt, set_time, must_change, compromised_time, disabled_time)
  on password_credentials to safetypin_definer;
grant insert (id, user_id, digest, salt, creation_time) on password_history to safetypin_definer;
grant insert (password_history_id, user_id, version, digest_index)
  on password_history_indexes to safetypin_definer;
grant delete on password_history, password_credentials to safetypin_definer;
grant insert (
  id, user_id, account_id, address_id, email, email_digest, nonce, salt, ip_address, ip_index, user_agent,
  expiration_time
) on password_attempts to safetypin_definer;
grant update (proof, proof_xid, finished_time, succeeded, session_id)
  on password_attempts to safetypin_definer;
grant delete on password_attempts to safetypin_definer;
grant update (credential_count) on password_costs to safetypin_definer;

insert into password_costs (cost)
select generate_series(12, 31);


--
-- Counting credentials by cost
--

set local role safetypin_definer;

create function tg_password_credentials__count_cost()
  returns trigger
  language plpgsql
  security definer
  set search_path from current
as $$
declare
  v_old_cost integer := substr(old.salt, 5, 2)::integer;
  v_new_cost integer := substr(new.salt, 5, 2)::integer;
begin
  if v_old_cost is not distinct from v_new_cost then
    return null;
  end if;

  -- In one order for everybody: two whose cost changes at once take turns.
  perform
  from password_costs
  where cost in (v_old_cost, v_new_cost)
  order by cost
  for no key update;

  update password_costs
  set credential_count = credential_count + case cost when v_new_cost then 1 else -1 end
  where cost in (v_old_cost, v_new_cost);

  return null;
end;
$$;

comment on function tg_password_credentials__count_cost() is
  'Keeps password_costs.';

grant execute on function tg_password_credentials__count_cost() to safetypin_owner;

set local role safetypin_owner;

create trigger _500_count_cost
  after insert or update of salt or delete on password_credentials
  for each row
  execute function tg_password_credentials__count_cost();


--
-- The published columns that moved
--

-- Opened one row at a time, and only where it is asked for: who reads many of them
-- opens them by open_users().
create view published_users
  with (security_invoker = true, security_barrier = true)
as
select
  users.id,
  (open_fields(1, array[users.id], array[users.email]))[1] as email,
  users.first_name,
  users.last_name,
  users.job_title,
  users.status,
  users.creation_time,
  users.last_update_time,
  users.last_login_time,
  null::text as password_hash,
  password_credentials.set_time as password_last_changed,
  coalesce(password_credentials.must_change, false) as force_password_change,
  users.avatar_url,
  (open_fields(2, array[users.id], array[users.phone_number]))[1] as phone_number,
  users.timezone,
  users.locale
from users
left join password_credentials on password_credentials.user_id = users.id;

comment on view published_users is
  'users with the columns of the published schema. What it says of a password it says of one''s own.';
comment on column published_users.id is 'The id of the person. [internal]';
comment on column published_users.email is 'The address they sign in with. [personal]';
comment on column published_users.first_name is 'Given name. [personal]';
comment on column published_users.last_name is 'Family name. [personal]';
comment on column published_users.job_title is 'What they do. [personal]';
comment on column published_users.status is 'pending, active, suspended, deleted or shredded. [internal]';
comment on column published_users.creation_time is 'When they registered. [internal]';
comment on column published_users.last_update_time is 'When the row last changed. [internal]';
comment on column published_users.last_login_time is 'When they last signed in. [personal]';
comment on column published_users.password_hash is 'Always null: no digest ever leaves. [public]';
comment on column published_users.password_last_changed is 'When the password was set; null for others. [internal]';
comment on column published_users.force_password_change is 'Whether it must be changed. [internal]';
comment on column published_users.avatar_url is 'A picture. [personal]';
comment on column published_users.phone_number is 'E.164. [personal]';
comment on column published_users.timezone is 'An IANA time zone name. [personal]';
comment on column published_users.locale is 'A BCP 47 language tag. [personal]';

grant select on published_users to safetypin_app;


--
-- An address that nobody has
--

set local role safetypin_definer;

-- An address nobody has is answered a cost as an account would be. After the cell's
-- cost was raised, accounts keep their old one until their owner signs in: so each
-- address has a place of its own between 0 and 1, by keyed digest, and answers an old
-- cost for as long as that place is within the share of credentials that still have
-- it. One look at an address then tells nothing, and over time the two go up alike.
create function _cost_for_nobody(
  p_email text,
  p_cost integer,
  p_key bytea
)
  returns integer
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
declare
  v_digest bytea := _keyed_digest('cost|' || _fold_email(p_email), p_key);
  v_place  double precision := ('x' || encode(substr(v_digest, 1, 4), 'hex'))::bit(32)::bigint / 2.0 ^ 32;
begin
  return coalesce(
    (
      select min(cost)
      from (
        select
          cost,
          sum(credential_count) over (order by cost) as count_so_far,
          sum(credential_count) over () as count_of_all
        from password_costs
      ) as shares
      where count_so_far > v_place * count_of_all
    ),
    p_cost
  );
end;
$$;

comment on function _cost_for_nobody(text, integer, bytea) is
  'A cost for an address that has no password: distributed as those of credentials are, and the given one while there are none.';


-- ... and a salt, always the same one of a cost, since a real one changes with the
-- cost too: bcrypt's own alphabet over a keyed digest.
create function _salt_for_nobody(
  p_email text,
  p_cost integer,
  p_key bytea
)
  returns text
  language plpgsql
  stable
  set search_path from current
as $$
begin
  return '$2a$' || p_cost || '$' || left(
    translate(
      encode(substr(_keyed_digest('salt|' || p_cost || '|' || _fold_email(p_email), p_key), 1, 16), 'base64'),
      'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
      './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
    ),
    22
  );
end;
$$;

comment on function _salt_for_nobody(text, integer, bytea) is
  'A salt for an address that has no password: stable while the cost is, and like any other.';


--
-- Checking a password, in three transactions
--

create function _disable_password(
  p_user_id uuid,
  p_ip_address inet,
  p_user_agent text
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now timestamptz := _now();
begin
  update password_credentials
  set disabled_time = v_now
  where user_id = p_user_id
    and disabled_time is null;

  if found then
    perform _raise_alert('password_disabled', 'high', p_user_id => p_user_id);
    perform _log_event(
      'password.disabled',
      p_user_id,
      p_ip_address => p_ip_address,
      p_user_agent => p_user_agent
    );
  end if;
end;
$$;

comment on function _disable_password(uuid, inet, text) is
  'After a hundred failures in a row: the password opens nothing until it is reset, and somebody is told. Once.';


create function begin_password_check(
  p_email text,
  p_ip_address inet default null,
  p_user_agent text default null,
  out status text,
  out attempt_id uuid,
  out nonce bytea,
  out salt text,
  out target_cost integer,
  out retry_after interval
)
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now          timestamptz := _now();
  v_keys         bytea[];
  v_email_digest bytea;
  v_account_ids  uuid[];
  v_address_ids  uuid[];
  v_policy       record;
  v_account      record;
  v_address      record;
  v_user_id      uuid := _find_user_by_email(p_email);
  v_salt         text;
  v_salt_key     bytea;
  v_nobodys_salt text;
  v_id           uuid := new_id();
  v_email        bytea;
  v_ip_address   bytea;
  v_ip_index     bytea;
begin
  perform _require_given('email', p_email is not null);

  -- By assignment: a statement would show them in its plan.
  v_email := _seal_text(7, null, v_id, _printable(_fold_email(p_email)), v_user_id);
  v_ip_address := _seal_text(8, null, v_id, abbrev(p_ip_address), v_user_id);
  v_ip_index := _index_evidence(8, v_ip_address, abbrev(p_ip_address));

  perform _lock_throttles();
  v_keys := _open_digest_keys('address');
  v_email_digest := _keyed_digest('email|' || _fold_email(p_email), v_keys[1]);
  v_account_ids := _account_ids(p_email, v_keys);
  v_address_ids := _address_ids(p_ip_address, v_keys);

  select bcrypt_cost, lockout_threshold, lockout_base, lockout_limit, address_threshold
  into v_policy
  from password_policies
  where organization_id is null;

  select password_credentials.salt
  into v_salt
  from password_credentials
  where password_credentials.user_id = v_user_id;

  -- Always the account first, then the address: two attempts never wait for
  -- each other.
  select *
  into v_account
  from _charge_attempt(
    v_account_ids[1], v_account_ids[2], 'account', v_user_id, v_policy.lockout_threshold, v_policy.lockout_base, v_policy.lockout_limit
  );
  select true as is_charged, null::timestamptz as blocked_until into v_address;
  if p_ip_address is not null then
    select *
    into v_address
    from _charge_attempt(
      v_address_ids[1], v_address_ids[2], 'address', null, v_policy.address_threshold, v_policy.lockout_base, v_policy.lockout_limit
    );
  end if;

  if not v_account.is_charged or not v_address.is_charged then
    status := case
      when not v_account.is_charged and v_account.failure_count >= 100 then 'disabled'
      else 'throttled'
    end;
    retry_after := case status
      when 'throttled' then greatest(v_account.blocked_until, v_address.blocked_until) - v_now
    end;

    -- The hundredth need not have been judged: it may have been begun and left.
    if status = 'disabled' then
      perform _disable_password(v_user_id, p_ip_address, p_user_agent);
    end if;

    insert into access_attempt_logs (
      id, user_id, email, email_digest, ip_address, ip_index, user_agent, result
    )
    values (
      v_id, v_user_id, v_email, case when v_user_id is null then v_email_digest end, v_ip_address, v_ip_index,
      _printable(p_user_agent), status
    );
    return;
  end if;

  status := 'ready';
  attempt_id := v_id;
  nonce := gen_random_bytes(32);
  target_cost := v_policy.bcrypt_cost;
  -- Made for everybody: the same work, whoever it is thrown away for.
  v_salt_key := (_open_digest_keys('salt'))[1];
  v_nobodys_salt := _salt_for_nobody(p_email, _cost_for_nobody(p_email, target_cost, v_salt_key), v_salt_key);
  salt := coalesce(v_salt, v_nobodys_salt);

  insert into password_attempts (
    id, user_id, account_id, address_id, email, email_digest, nonce, salt, ip_address, ip_index,
    user_agent, expiration_time
  )
  values (
    v_id, v_user_id, v_account_ids[1], v_address_ids[1], v_email, v_email_digest, nonce, salt,
    v_ip_address, v_ip_index, _printable(p_user_agent), v_now + interval '2 minutes'
  );
end;
$$;

comment on function begin_password_check(text, inet, text) is
  'Charges an attempt to sign in with this address and answers ready, with the salt to digest the password under ($2a$, cost and all) and a nonce; throttled, with how long to wait; or disabled after a hundred failures in a row (NIST SP 800-63B-4, 3.2.2). The answer is the same for an address nobody has. Raises SP509 without an address, SP522 when the cell''s key is not unlocked.';

grant execute on function begin_password_check(text, inet, text) to safetypin_app;


create function submit_password_proof(
  p_attempt_id uuid,
  p_proof bytea
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  update password_attempts
  set
    proof = p_proof,
    proof_xid = txid_current()
  where id = p_attempt_id
    and proof is null
    and xid <> txid_current()
    and expiration_time > (select _now());
end;
$$;

comment on function submit_password_proof(uuid, bytea) is
  'Hands in the one proof of an attempt that an earlier transaction began: HMAC-SHA-256 under the bcrypt digest of the attempt''s 16 bytes and the nonce. Says nothing: finish_password_check() judges it, in a transaction after this one.';

grant execute on function submit_password_proof(uuid, bytea) to safetypin_app;


create function _ip_address_of(
  p_attempt password_attempts
)
  returns inet
  language plpgsql
  stable
  set search_path from current
as $$
begin
  return _open_text(8, null, p_attempt.id, p_attempt.ip_address, p_attempt.user_id)::inet;
end;
$$;

comment on function _ip_address_of(password_attempts) is
  'Where an attempt came from, opened. Raises SP521 when it does not open, SP522 when the cell''s key is not unlocked.';


-- Who proved what. The credential is locked, so that a password cannot be
-- changed between the proof and what follows from it.
create function _judge_attempt(
  p_attempt_id uuid
)
  returns password_attempts
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now         timestamptz := _now();
  v_attempt     password_attempts;
  v_credential  password_credentials;
  v_status      text;
  v_nobodys     bytea;
  v_digest      bytea;
  v_expected    bytea;
  v_succeeded   boolean;
  v_ip_address  inet;
  v_address_ids uuid[];
begin
  select *
  into v_attempt
  from password_attempts
  where id = p_attempt_id
    and proof is not null
    and proof_xid <> txid_current()
    and finished_time is null
    and expiration_time > v_now
  for update;

  if v_attempt.id is null then
    insert into access_attempt_logs (result, additional_data)
    values ('invalid', '{"reason": "no_such_attempt"}');
    return null;
  end if;

  select *
  into v_credential
  from password_credentials
  where user_id = v_attempt.user_id
  for no key update;

  select status into v_status from users where id = v_attempt.user_id;

  -- Somebody without a password is compared with a digest nobody has, which is
  -- sealed for everybody and opened for them, and both sides are hashed with the
  -- nonce before they are compared, so that how long it takes says nothing about how
  -- much was right. By assignment throughout: what is opened is in no plan.
  v_nobodys := _seal(5, null, v_attempt.id, convert_to(rpad(encode(v_attempt.nonce, 'hex'), 60), 'UTF8'));
  if v_credential.digest is null then
    v_digest := _open(5, null, v_attempt.id, v_nobodys);
  else
    v_digest := _open(5, null, v_attempt.user_id, v_credential.digest, v_attempt.user_id);
  end if;
  v_expected := hmac(uuid_send(v_attempt.id) || v_attempt.nonce, v_digest, 'sha256');
  v_succeeded := sha256(v_attempt.nonce || v_expected) = sha256(v_attempt.nonce || v_attempt.proof)
    and v_credential.digest is not null
    and v_credential.disabled_time is null
    and coalesce(v_status = 'active', false);

  update password_attempts
  set
    finished_time = v_now,
    succeeded = v_succeeded
  where id = v_attempt.id
  returning * into v_attempt;

  if v_succeeded then
    v_ip_address := _ip_address_of(v_attempt);
    v_address_ids := _address_ids(v_ip_address, _open_digest_keys('address'));
    perform _release_attempt(array[v_attempt.account_id], v_address_ids, v_attempt.user_id);
  elsif exists (
    select from sign_in_throttles
    where (id = v_attempt.account_id or user_id = v_attempt.user_id)
      and failure_count >= 100
  ) then
    perform _disable_password(v_attempt.user_id, _ip_address_of(v_attempt), v_attempt.user_agent);
  end if;

  insert into access_attempt_logs (
    id, user_id, email, email_digest, ip_address, ip_index, user_agent, result
  )
  values (
    v_attempt.id, v_attempt.user_id, v_attempt.email,
    case when v_attempt.user_id is null then v_attempt.email_digest end, v_attempt.ip_address,
    v_attempt.ip_index, v_attempt.user_agent, case when v_succeeded then 'success' else 'invalid' end
  );

  return v_attempt;
end;
$$;

comment on function _judge_attempt(uuid) is
  'Judges the proof of an attempt, once, and records the outcome. Returns the attempt, or null when there is none to judge. Raises SP521 for a digest that does not open, SP522 when the cell''s key is not unlocked.';


create function finish_password_check(
  p_attempt_id uuid,
  p_session_token_hash bytea,
  p_refresh_token_hash bytea default null,
  p_change_token_hash bytea default null,
  p_organization_id uuid default null,
  p_device_id uuid default null,
  out status text,
  out session_id uuid,
  out user_id uuid,
  out organization_id uuid,
  out expiration_time timestamptz
)
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_attempt        password_attempts := _judge_attempt(p_attempt_id);
  v_now            timestamptz := _now();
  v_maximum_age    integer;
  v_is_compromised boolean;
  v_is_stale       boolean;
begin
  if v_attempt.id is null or not v_attempt.succeeded then
    status := 'invalid';
    return;
  end if;

  v_maximum_age := (_effective_policy(v_attempt.user_id)).maximum_age_days;
  select
    compromised_time is not null,
    must_change or set_time < v_now - make_interval(days => v_maximum_age)
  into v_is_compromised, v_is_stale
  from password_credentials
  where password_credentials.user_id = v_attempt.user_id;

  -- Others know it: that somebody proved it says nothing of who they are, so only a
  -- token that was sent to the person sets another.
  if v_is_compromised then
    status := 'password_compromised';
    perform _log_event(
      'password.change_required',
      v_attempt.user_id,
      p_ip_address => _ip_address_of(v_attempt),
      p_user_agent => v_attempt.user_agent,
      p_additional_data => '{"by": "mail"}'
    );
    return;
  end if;

  if v_is_stale then
    -- The one token that a caller makes: of use to whoever just proved the password.
    status := 'password_change_required';
    if p_change_token_hash is not null then
      insert into one_time_tokens (purpose, user_id, token_hash, creation_time, expiration_time)
      values (
        'reset_password', v_attempt.user_id, p_change_token_hash, v_now,
        v_now + interval '15 minutes'
      )
      on conflict (token_hash) do nothing;
    end if;
    perform _log_event(
      'password.change_required',
      v_attempt.user_id,
      p_ip_address => _ip_address_of(v_attempt),
      p_user_agent => v_attempt.user_agent
    );
    return;
  end if;

  session_id := _open_session(
    v_attempt.user_id, p_organization_id, p_session_token_hash, p_refresh_token_hash,
    1::smallint, array['password'], false, _ip_address_of(v_attempt), v_attempt.user_agent, p_device_id
  );
  update password_attempts
  set session_id = finish_password_check.session_id
  where id = p_attempt_id;

  status := 'signed_in';
  user_id := v_attempt.user_id;
  select sessions.organization_id, sessions.expiration_time
  into organization_id, expiration_time
  from sessions
  where sessions.id = finish_password_check.session_id;
end;
$$;

comment on function finish_password_check(uuid, bytea, bytea, bytea, uuid, uuid) is
  'Judges the proof handed in by an earlier transaction and, if it is right, opens the session whose token has this digest. Status: signed_in; invalid, whatever the reason; password_change_required, when the token with p_change_token_hash is good for reset_password() for 15 minutes; or password_compromised, when only a token that is sent to the person is.';

grant execute on function finish_password_check(uuid, bytea, bytea, bytea, uuid, uuid) to safetypin_app;


--
-- Setting a password
--

create type password_preparation as (
  email              text,
  first_name         text,
  last_name          text,
  organization_names text[],
  policy             effective_policy,
  history_salts      text[]
);

comment on type password_preparation is
  'What a client needs to judge and digest a new password: the words it may not be made of, the rules, and every salt ($2a$, cost and all) the history asks a digest under.';


create function _prepare_password(
  p_user_id uuid
)
  returns password_preparation
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
declare
  v_prepared password_preparation;
begin
  select users.first_name, users.last_name
  into v_prepared.first_name, v_prepared.last_name
  from users
  where users.id = p_user_id;

  v_prepared.email := _email_of(p_user_id);
  v_prepared.policy := _effective_policy(p_user_id);
  v_prepared.organization_names := array(
    select organizations.name
    from organization_users
    join organizations on organizations.id = organization_users.organization_id
    where organization_users.user_id = p_user_id
      and organization_users.status = 'active'
    order by organizations.name
  );
  -- The salt new entries are made under comes first; the others are of entries
  -- that were made when the cost was lower.
  v_prepared.history_salts := array(
    select history.salt
    from (
      select '$2a$' || (v_prepared.policy).bcrypt_cost || '$' || history_salt as salt, 0 as place
      from password_credentials
      where user_id = p_user_id
      union
      select password_history.salt, 1
      from password_history
      where user_id = p_user_id
    ) as history
    group by history.salt
    order by min(history.place), history.salt
  );

  return v_prepared;
end;
$$;

comment on function _prepare_password(uuid) is
  'What a client needs to judge and digest a new password of this person.';


-- The last passwords and the recent ones, whichever are more.
create function _prune_password_history(
  p_user_id uuid,
  p_policy effective_policy
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now timestamptz := _now();
begin
  delete from password_history
  where user_id = p_user_id
    and creation_time < v_now - make_interval(days => (p_policy).history_days)
    and id not in (
      select id
      from password_history
      where user_id = p_user_id
      order by creation_time desc, id desc
      limit (p_policy).history_depth
    );
end;
$$;

comment on function _prune_password_history(uuid, effective_policy) is
  'Forgets passwords that are neither among the last so many nor younger than so many days.';


create function _set_password(
  p_user_id uuid,
  p_digest text,
  p_history_digests text[],
  p_policy_version text
)
  returns boolean
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_versions   integer[] := _written_versions(null);
  v_now        timestamptz;
  v_policy     effective_policy;
  v_salt       text;
  v_new        text;
  v_id         uuid := new_id();
  v_salts      text[] := array[]::text[];
  v_version    integer;
  v_digest     text;
  v_index      bytea;
  v_indexes    bytea[] := array[]::bytea[];
  v_new_salt   text := left(p_digest, 29);
  v_sealed     bytea;
  v_history    bytea;
begin
  -- Two changes of one person take turns from here on.
  select history_salt
  into v_salt
  from password_credentials
  where user_id = p_user_id
  for update;

  v_now := _now();
  v_policy := _effective_policy(p_user_id);
  if p_policy_version is distinct from v_policy.version then
    raise exception 'the password was judged by rules that no longer hold'
      using errcode = 'SP402', hint = 'Read the policy again, check the password against it and try once more.';
  end if;
  if substring(p_digest from '^\$2a\$([0-9]{2})\$')::integer < v_policy.bcrypt_cost then
    raise exception 'the digest was made at too low a cost'
      using errcode = 'SP507', hint = format('Use bcrypt at cost %s.', v_policy.bcrypt_cost);
  end if;
  v_sealed := _seal_text(5, null, p_user_id, p_digest, p_user_id);

  -- The first password brings its history salt along.
  v_salt := coalesce(v_salt, substr(p_history_digests[1], 8, 22));

  -- No query from here on has a digest in it: only salts and blind indexes.
  foreach v_digest in array coalesce(p_history_digests, '{}') loop
    v_salts := v_salts || left(v_digest, 29);
    if left(v_digest, 29) = '$2a$' || v_policy.bcrypt_cost || '$' || v_salt then
      v_new := v_digest;
    end if;
  end loop;

  perform _prune_password_history(p_user_id, v_policy);

  if v_new is null or exists (
    select from password_history where user_id = p_user_id and salt <> all (v_salts)
  ) then
    raise exception 'the password was not digested under every salt of the history'
      using errcode = 'SP508', hint = 'Digest it under each of history_salts.';
  end if;
  v_history := _seal_text(6, null, v_id, v_new, p_user_id);

  -- Under a cost of earlier days the constraint below cannot see it.
  foreach v_version in array v_versions loop
    foreach v_digest in array p_history_digests loop
      v_index := _blind_index(6, null, v_version, v_digest);
      v_indexes := v_indexes || v_index;
    end loop;
  end loop;
  if exists (
    select from password_history_indexes
    where user_id = p_user_id
      and version = any (v_versions)
      and digest_index = any (v_indexes)
  ) then
    raise unique_violation
      using
        message = 'the password was used before',
        constraint = 'password_history_indexes_user_id_version_digest_index_key',
        hint = 'Choose another password.';
  end if;

  insert into password_history (id, user_id, digest, salt, creation_time)
  values (v_id, p_user_id, v_history, left(v_new, 29), v_now);
  foreach v_version in array v_versions loop
    v_index := _blind_index(6, null, v_version, v_new);
    insert into password_history_indexes (password_history_id, user_id, version, digest_index)
    values (v_id, p_user_id, v_version, v_index);
  end loop;
  perform _prune_password_history(p_user_id, v_policy);

  insert into password_credentials (user_id, digest, salt, history_salt, set_time)
  values (p_user_id, v_sealed, v_new_salt, v_salt, v_now)
  on conflict (user_id) do nothing;

  update password_credentials
  set
    digest = v_sealed,
    salt = v_new_salt,
    set_time = v_now,
    must_change = false,
    compromised_time = null,
    disabled_time = null
  where user_id = p_user_id;

  -- Bound anew, the password starts with no failures.
  perform _forgive_account(_email_of(p_user_id));
  return true;
end;
$$;

comment on function _set_password(uuid, text, text[], text) is
  'Sets a password that was judged by the policy of this version. Call it by assignment, which has no plan that shows a digest. Raises SP402 for a stale version, SP507 for a digest that is too cheap, SP508 for a salt left out, SP522 when the cell''s key is not unlocked, and breaks password_history_indexes_user_id_version_digest_index_key for a password used before.';


-- What clients hand over: digests masked under the pad of their connection.
create function _unmask_digests(
  p_masked bytea[]
)
  returns text[]
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
declare
  v_masked  bytea;
  v_digest  text;
  v_digests text[] := array[]::text[];
begin
  foreach v_masked in array coalesce(p_masked, '{}') loop
    v_digest := convert_from(_unmask(v_masked, 6), 'UTF8');
    v_digests := v_digests || v_digest;
  end loop;
  return v_digests;
end;
$$;

comment on function _unmask_digests(bytea[]) is
  'The digests for the history that a client handed over masked. Raises SP521 for one that was not masked for that, under this pad.';


create function _register_again(
  p_user_id uuid,
  p_first_name text,
  p_last_name text,
  p_timezone text,
  p_locale text,
  p_disabled_time timestamptz
)
  returns boolean
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  update users
  set
    first_name = p_first_name,
    last_name = p_last_name,
    timezone = p_timezone,
    locale = p_locale
  where id = p_user_id
    and status = 'pending';

  if not found then
    return false;
  end if;

  update password_credentials
  set disabled_time = coalesce(disabled_time, p_disabled_time)
  where user_id = p_user_id;
  return true;
end;
$$;

comment on function _register_again(uuid, text, text, text, text, timestamptz) is
  'Gives a person who has not verified their address the names of a later registration, disables the password of the earlier one, and says whether there was such a person. With no time it disables nothing: what is done for every other address, so that as much is written.';


-- The answer is void and the same, whether the address was new or not. What
-- comes of it is told in a message to that address and nowhere else; until it
-- is verified nobody signs in, or signing in would tell after all.
--
-- Anybody may register anybody's address, and wait for its owner to verify it. So a
-- password lives through verification only where the address was registered once:
-- of two who registered it nobody knows which one reads the mail, and whoever does
-- sets a password by a reset.
create function _register_user(
  p_user_id uuid,
  p_email text,
  p_first_name text,
  p_last_name text,
  p_password_digest text,
  p_history_digest text,
  p_policy_version text,
  p_timezone text default 'UTC',
  p_locale text default 'en'
)
  returns boolean
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now        timestamptz := _now();
  v_is_set     boolean;
  v_owner_id   uuid := _find_user_by_email(p_email);
  v_nobody     text := new_id() || '@nobody.invalid';
  v_email      text := case when v_owner_id is null then p_email else v_nobody end;
  v_sealed     bytea;
  v_status     text;
  v_is_again   boolean := false;
  v_constraint text;
begin
  perform _require_given('user_id', p_user_id is not null);
  perform _require_given('email', p_email is not null);
  perform _require_given('first_name', p_first_name is not null);
  perform _require_given('last_name', p_last_name is not null);
  perform _require_given('timezone', p_timezone is not null);
  perform _require_given('locale', p_locale is not null);

  -- Nobody is looked for too: a null would not be.
  select status
  into v_status
  from users
  where id = coalesce(v_owner_id, '00000000-0000-0000-0000-000000000000');

  -- What is done for a new address is done for one that has an account, under an
  -- address that nobody has, and undone: whatever is refused is refused alike, and
  -- it takes as long.
  begin
    v_sealed := _seal_email(p_user_id, v_email);
    insert into users (id, email, first_name, last_name, timezone, locale)
    values (p_user_id, v_sealed, p_first_name, p_last_name, p_timezone, p_locale);
    perform _index_email(p_user_id, v_email);
    v_is_set := _set_password(p_user_id, p_password_digest, array[p_history_digest], p_policy_version);
    if v_owner_id is null or v_status <> 'pending' then
      perform _register_again(p_user_id, p_first_name, p_last_name, p_timezone, p_locale, null);
    end if;
    -- As _set_password() does for the one of the two that it was given.
    perform _forgive_account(case when v_owner_id is null then v_nobody else p_email end);
    if v_owner_id is not null then
      raise triggered_action_exception;
    end if;
  exception
    when triggered_action_exception then
      null;
    when unique_violation then
      -- Somebody registered it at the same moment, and was first.
      get stacked diagnostics v_constraint = constraint_name;
      if v_constraint <> 'user_email_indexes_version_email_index_key' then
        raise;
      end if;
      v_owner_id := _find_user_by_email(p_email);
      if v_owner_id is null then
        raise exception 'somebody registered this address, whom this transaction does not see'
          using errcode = 'serialization_failure', hint = 'Try again in a transaction that begins now.';
      end if;
      select status into v_status from users where id = v_owner_id;
  end;

  if v_status = 'pending' then
    v_is_again := _register_again(
      v_owner_id, p_first_name, p_last_name, p_timezone, p_locale, v_now
    );
  end if;

  perform _request_message(
    case when v_owner_id is null or v_is_again then 'verify_email' else 'already_registered' end,
    p_email, coalesce(v_owner_id, p_user_id), '1 day'
  );
  perform _log_event(
    'user.registered',
    coalesce(v_owner_id, p_user_id),
    p_result => case when v_owner_id is null then 'success' else 'failure' end,
    p_failure_reason => case
      when v_is_again then 'registered_before'
      when v_owner_id is not null then 'already_registered'
    end
  );

  return true;
end;
$$;

comment on function _register_user(uuid, text, text, text, text, text, text, text, text) is
  'What register_user() does, with digests in clear: for seeds, and called by assignment. Raises SP509 for a null.';


create function register_user(
  p_user_id uuid,
  p_email text,
  p_first_name text,
  p_last_name text,
  p_password_digest bytea,
  p_history_digest bytea,
  p_policy_version text,
  p_timezone text default 'UTC',
  p_locale text default 'en'
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_digest         text := convert_from(_unmask(p_password_digest, 5), 'UTF8');
  v_history_digest text := convert_from(_unmask(p_history_digest, 6), 'UTF8');
  v_is_done        boolean;
begin
  v_is_done := _register_user(
    p_user_id, p_email, p_first_name, p_last_name, v_digest, v_history_digest, p_policy_version,
    p_timezone, p_locale
  );
end;
$$;

comment on function register_user(uuid, text, text, text, bytea, bytea, text, text, text) is
  'Registers a person, who becomes active when verify_email() is given the token they are sent. Says nothing: the owner of an address that has an account is sent a message that says so. An address that is registered again before it is verified keeps no password: whoever verifies it resets it. Digests come masked, for fields 5 and 6. Raises SP402, SP507 or SP508 as for any new password, SP509 for a null, SP521 for a digest that was not masked so.';

grant execute on function
  register_user(uuid, text, text, text, bytea, bytea, text, text, text)
to safetypin_app;


create function prepare_password_change()
  returns password_preparation
  language plpgsql
  stable
  parallel restricted
  security definer
  set search_path from current
as $$
begin
  return _prepare_password(_require_user());
end;
$$;

comment on function prepare_password_change() is
  'What the caller needs to choose a new password: rules and salts. Raises SP102.';

grant execute on function prepare_password_change() to safetypin_app;


create function change_password(
  p_attempt_id uuid,
  p_password_digest bytea,
  p_history_digests bytea[],
  p_policy_version text
)
  returns text
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_user_id         uuid := _require_user();
  v_now             timestamptz := _now();
  v_attempt         password_attempts;
  v_digest          text;
  v_history_digests text[];
  v_is_set          boolean;
begin
  if exists (
    select from password_attempts where id = p_attempt_id and user_id is distinct from v_user_id
  ) then
    return 'invalid';
  end if;

  v_attempt := _judge_attempt(p_attempt_id);
  if v_attempt.id is null or not v_attempt.succeeded then
    perform _log_event(
      'password.changed', v_user_id, p_result => 'failure', p_failure_reason => 'wrong_password'
    );
    return 'invalid';
  end if;

  -- In a transaction that was open when it was marked.
  if exists (
    select from password_credentials where user_id = v_user_id and compromised_time is not null
  ) then
    perform _log_event(
      'password.changed', v_user_id, p_result => 'failure', p_failure_reason => 'password_compromised'
    );
    return 'invalid';
  end if;

  v_digest := convert_from(_unmask(p_password_digest, 5), 'UTF8');
  v_history_digests := _unmask_digests(p_history_digests);
  v_is_set := _set_password(v_user_id, v_digest, v_history_digests, p_policy_version);

  update sessions
  set
    revoked = true,
    revocation_time = v_now,
    revocation_reason = 'password_changed'
  where user_id = v_user_id
    and id <> current_session_id()
    and not revoked;

  perform _log_event('password.changed', v_user_id);
  return 'changed';
end;
$$;

comment on function change_password(uuid, bytea, bytea[], text) is
  'Changes the caller''s password, given the proof of the current one, and ends their other sessions. Answers changed, or invalid when the proof is not right. Raises SP102, SP402, SP507 or SP508, and breaks password_history_indexes_user_id_version_digest_index_key for a password used before.';

grant execute on function change_password(uuid, bytea, bytea[], text) to safetypin_app;


create function request_password_reset(
  p_email text
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_owner_id uuid := _find_user_by_email(p_email);
  v_user_id  uuid;
begin
  -- Nobody is looked for too: a null would not be.
  select id
  into v_user_id
  from users
  where id = coalesce(v_owner_id, '00000000-0000-0000-0000-000000000000')
    and status in ('pending', 'active');

  perform _request_message('reset_password', p_email, v_user_id, '1 hour');
  perform _log_event('password.reset_requested', v_user_id);
end;
$$;

comment on function request_password_reset(text) is
  'Asks for a message by which a password is reset, if the address belongs to anybody. Says nothing, and does the same if it does not. Raises SP509 without an address.';

grant execute on function request_password_reset(text) to safetypin_app;


create function prepare_password_reset(
  p_token bytea
)
  returns password_preparation
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_token one_time_tokens := _show_token('reset_password', p_token);
begin
  if v_token.id is null then
    perform _log_event(
      'password.reset_prepared', p_result => 'failure', p_failure_reason => 'unknown_token'
    );
    return null;
  end if;

  perform _log_event('password.reset_prepared', v_token.user_id);
  return _prepare_password(v_token.user_id);
end;
$$;

comment on function prepare_password_reset(bytea) is
  'What the holder of a reset token needs to choose a new password: rules and salts; null when the token is not good. It may be asked ten times.';

grant execute on function prepare_password_reset(bytea) to safetypin_app;


-- Opens no session: a reset proves the mailbox, and no second factor.
create function reset_password(
  p_token bytea,
  p_password_digest bytea,
  p_history_digests bytea[],
  p_policy_version text
)
  returns text
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_token           one_time_tokens := _use_token(array['reset_password'], p_token);
  v_digest          text;
  v_history_digests text[];
  v_is_set          boolean;
begin
  if v_token.id is null then
    perform _log_event('password.reset', p_result => 'failure', p_failure_reason => 'unknown_token');
    return 'invalid';
  end if;

  v_digest := convert_from(_unmask(p_password_digest, 5), 'UTF8');
  v_history_digests := _unmask_digests(p_history_digests);
  v_is_set := _set_password(v_token.user_id, v_digest, v_history_digests, p_policy_version);
  perform _void_sessions(v_token.user_id, 'password_reset');

  -- Whoever read the message owns the address.
  update users
  set
    email_verified_time = coalesce(email_verified_time, _now()),
    status = case status when 'pending' then 'active' else status end
  where id = v_token.user_id;

  perform _log_event('password.reset', v_token.user_id);
  return 'reset';
end;
$$;

comment on function reset_password(bytea, bytea, bytea[], text) is
  'Sets a new password with a token that was sent to the person, once, and ends all their sessions. Answers reset, or invalid when the token is not good. Raises SP402, SP507 or SP508, and breaks password_history_indexes_user_id_version_digest_index_key for a password used before.';

grant execute on function reset_password(bytea, bytea, bytea[], text) to safetypin_app;


-- That the new digest is of the same password is the caller's word: bcrypt shows
-- nobody that two digests are of one password. So what can be bound is. It takes the
-- password itself, proven a moment ago, and the session that came of it, or whoever
-- steals a session could set a password. It happens where the cell's cost has risen
-- above the digest that was proven, to just that cost, and so once for each rise; a
-- digest that was set since is not touched, and the history goes on saying what the
-- password was.
create function rehash_password(
  p_attempt_id uuid,
  p_password_digest bytea
)
  returns boolean
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_user_id uuid := _require_user();
  v_now     timestamptz := _now();
  v_digest  text := convert_from(_unmask(p_password_digest, 5), 'UTF8');
  v_sealed  bytea;
  v_new     text := left(v_digest, 29);
  v_salt    text;
  v_cost    integer;
  v_found   boolean;
begin
  v_sealed := _seal_text(5, null, v_user_id, v_digest, v_user_id);

  delete from password_attempts
  where id = p_attempt_id
    and user_id = v_user_id
    and session_id = current_session_id()
    and succeeded
    and finished_time > v_now - interval '1 minute'
  returning salt into v_salt;

  select bcrypt_cost
  into v_cost
  from password_policies
  where organization_id is null;

  update password_credentials
  set
    digest = v_sealed,
    salt = v_new
  where user_id = v_user_id
    and salt = v_salt
    and left(salt, 7) < '$2a$' || v_cost || '$'
    and left(v_new, 7) = '$2a$' || v_cost || '$';
  v_found := found;

  perform _log_event(
    'password.rehashed',
    v_user_id,
    p_result => case when v_found then 'success' else 'failure' end,
    p_failure_reason => case
      when v_salt is null then 'no_fresh_attempt'
      when not v_found then 'not_due'
    end,
    p_additional_data => jsonb_build_object(
      'from', substr(v_salt, 5, 2), 'to', substring(v_new from '^\$2a\$([0-9]{2})\$')
    )
  );
  return v_found;
end;
$$;

comment on function rehash_password(uuid, bytea) is
  'Replaces the digest that was proven, where the cell''s cost has risen above its own, by one of just that cost: within a minute of signing in with the password, once, from the session that came of it. Says whether it did. Raises SP102.';

grant execute on function rehash_password(uuid, bytea) to safetypin_app;


create function require_password_change(
  p_user_id uuid
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  perform _require_permission('credentials.manage');
  perform _require_manageable_member('members.manage', p_user_id);

  update password_credentials
  set must_change = true
  where user_id = p_user_id;

  -- And once more behind the locks.
  perform _require_permission('credentials.manage');

  perform _log_event('password.change_demanded', p_user_id);
end;
$$;

comment on function require_password_change(uuid) is
  'Makes a member choose a new password the next time they sign in. Raises SP201 without credentials.manage and members.manage, SP202 or SP204 for a member who holds more than the caller, and SP302 for a stranger.';

grant execute on function require_password_change(uuid) to safetypin_app;


create function mark_password_compromised(
  p_user_id uuid,
  p_reason text
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_now timestamptz;
begin
  -- The time is read behind the lock: whoever is just signing in with the password does so before.
  perform from password_credentials where user_id = p_user_id for no key update;
  if not found then
    raise exception 'user % has no password', p_user_id
      using errcode = 'SP301', hint = 'Pass the id of somebody who has one.';
  end if;
  v_now := _now();

  update password_credentials
  set
    compromised_time = v_now,
    must_change = true
  where user_id = p_user_id;

  -- One of them may be of somebody who proved the password. One that is not seen here is void
  -- by its time.
  delete from one_time_tokens where user_id = p_user_id and purpose = 'reset_password';

  perform _void_sessions(p_user_id, 'password_compromised');
  perform _raise_alert('password_compromised', 'high', p_user_id => p_user_id);
  perform _log_event(
    'password.compromised',
    p_user_id,
    p_additional_data => jsonb_build_object('reason', _printable(p_reason))
  );
end;
$$;

comment on function mark_password_compromised(uuid, text) is
  'Says that a password is known to others: sessions end at once, and it opens none and sets no other. Only a token that is sent to the person does (NIST SP 800-63B-4, 3.1.1.2). Raises SP301 for somebody without a password.';

grant execute on function mark_password_compromised(uuid, text) to safetypin_operator;


--
-- Reading attempts
--

-- One call for all of a list, and nothing of what is opened in a statement.
create function open_attempts(
  p_ids uuid[],
  p_user_ids uuid[],
  p_emails bytea[],
  p_ip_addresses bytea[]
)
  returns table (
    id uuid,
    email text,
    ip_address text
  )
  language plpgsql
  stable
  rows 100
  security definer
  set search_path from current
as $$
declare
  v_count integer := cardinality(p_ids);
  v_texts text[];
begin
  if p_ids is null then
    return;
  end if;
  v_texts := _open_values(array[7, 8], p_ids, p_emails || p_ip_addresses, p_user_ids);

  for v_at in 1 .. v_count loop
    id := p_ids[v_at];
    email := v_texts[v_at];
    ip_address := v_texts[v_count + v_at];
    return next;
  end loop;
end;
$$;

comment on function open_attempts(uuid[], uuid[], bytea[], bytea[]) is
  'Opens what was typed in attempts to sign in, and where they came from, for whoever was shown them before; nothing for none. Raises SP521 for one that does not open and SP522 when the cell''s key is not unlocked.';

grant execute on function open_attempts(uuid[], uuid[], bytea[], bytea[]) to safetypin_app, safetypin_auditor;


-- For auditors alone, who are shown every attempt: whoever can have indexes made, and has
-- seen those of others, finds out by trying which addresses they are of.
create function ip_address_indexes(
  p_ip_address inet
)
  returns bytea[]
  language plpgsql
  stable
  security definer
  set search_path from current
as $$
begin
  return _evidence_indexes(8, abbrev(p_ip_address));
end;
$$;

comment on function ip_address_indexes(inet) is
  'What access_attempt_logs.ip_index may be for attempts from a network address: one for each key that works. Raises SP522 when the cell''s key is not unlocked.';

grant execute on function ip_address_indexes(inet) to safetypin_auditor;


--
-- Keeping house
--

-- An attempt that was begun and never finished is an attempt all the same.
create function sweep_password_attempts(
  p_batch integer default 1000
)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_ids   uuid[];
  v_swept integer;
begin
  perform _require_batch(p_batch);

  -- Recorded before it is deleted: what is sealed of it comes from where it stands.
  v_ids := array(
    select id
    from password_attempts
    where expiration_time < _now() - interval '1 minute'
    order by expiration_time
    limit p_batch
    for update skip locked
  );

  insert into access_attempt_logs (
    id, user_id, email, email_digest, ip_address, ip_index, user_agent, attempt_time, result
  )
  select
    id, user_id, email, case when user_id is null then email_digest end, ip_address, ip_index, user_agent,
    creation_time, 'abandoned'
  from password_attempts
  where id = any (v_ids)
    and finished_time is null;

  delete from password_attempts where id = any (v_ids);
  get diagnostics v_swept = row_count;

  perform _log_event('password_attempts.swept', p_additional_data => jsonb_build_object('swept', v_swept));

  return v_swept;
end;
$$;

comment on function sweep_password_attempts(integer) is
  'Deletes one batch of attempts that are over, records those that were never finished as abandoned, and returns how many. Call it until it returns 0. Raises SP504 for a batch out of range.';

grant execute on function sweep_password_attempts(integer) to safetypin_operator;


-- For rotation, which has locked the entry.
create function _index_password_history(
  p_password_history_id uuid,
  p_version integer
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_user_id uuid;
  v_digest  bytea;
  v_index   bytea;
begin
  select user_id, digest
  into v_user_id, v_digest
  from password_history
  where id = p_password_history_id;

  if v_digest is null then
    return;
  end if;

  v_index := _blind_index(6, null, p_version, _open_text(6, null, p_password_history_id, v_digest, v_user_id));
  insert into password_history_indexes (password_history_id, user_id, version, digest_index)
  values (p_password_history_id, v_user_id, p_version, v_index)
  on conflict (password_history_id, version) do nothing;
end;
$$;

comment on function _index_password_history(uuid, integer) is
  'Indexes an entry of the history in a version that takes over. Raises SP521 for a digest that does not open, SP522 when a key is not unlocked.';

set local role safetypin_owner;

select _declare_blind_index('password_history_indexes', 6, 'password_history_id', '_index_password_history');
