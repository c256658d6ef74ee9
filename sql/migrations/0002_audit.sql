/*
 * 0002 audit: what happened, who tried, and what became of the rows
 *
 * Evidence comes before everything it is evidence of. Three streams, each cut
 * into months: *events* (what people and services did), *attempts* (who tried
 * to sign in, known or not) and *changes* (what rows became). A fourth table,
 * alerts, is for what somebody has to look at.
 *
 * Three ideas carry the chapter. A row is written in the transaction it speaks
 * of: if it cannot be written, the work fails too. Nobody updates, deletes or
 * truncates: not the application, not the owner. And the server alone sets
 * `login_name`, which tells operators apart, and `xid`, `recorded_at` and `seq`, the
 * order in which rows will be sealed.
 */

set local role safetypin_owner;


--
-- The vocabulary of events
--

create table event_types (
  id          uuid not null default new_id(),
  name        text not null,
  description text not null,
  severity    text not null default 'info',
  functions   text[] not null default '{}',

  constraint event_types_pkey primary key (id),
  constraint event_types_name_key unique (name),
  constraint event_types_name_is_subject_dot_verb check (name ~ '^[a-z_]+\.[a-z_]+$'),
  constraint event_types_severity_is_known check (severity in ('info', 'notice', 'warning'))
);

comment on table event_types is
  'Every kind of event there is, and the functions that record it (NIST SP 800-53 AU-2).';
comment on column event_types.id is 'The id of the event type. [public]';
comment on column event_types.name is 'Subject and past participle: session.opened. [public]';
comment on column event_types.description is 'What has happened when this is recorded. [public]';
comment on column event_types.severity is 'info, notice or warning. [public]';
comment on column event_types.functions is
  'The functions that record it. A test calls each and finds its row. [public]';

alter table event_types enable row level security;
alter table event_types force row level security;

create policy select_everyone on event_types
  for select
  to safetypin_app, safetypin_definer, safetypin_owner, safetypin_operator,
     safetypin_auditor, safetypin_backup
  using (true);
comment on policy select_everyone on event_types is 'The catalogue of events is no secret.';

create policy insert_owner on event_types
  for insert
  to safetypin_owner
  with check (true);
comment on policy insert_owner on event_types is
  'Chapters and seeds name the events there are.';

create policy update_owner on event_types
  for update
  to safetypin_owner
  using (true);
comment on policy update_owner on event_types is 'Seeds bring the catalogue up to date.';

grant select on event_types
  to safetypin_app, safetypin_definer, safetypin_operator, safetypin_auditor, safetypin_backup;


--
-- Events
--

create table auth_audit_logs (
  id              uuid not null default new_id(),
  event_time      timestamptz not null default clock_timestamp(),
  event_type      text not null,
  user_id         uuid,
  acting_user_id  uuid,
  organization_id uuid,
  session_id      uuid,
  ip_address      inet,
  user_agent      text,
  device_id       uuid,
  result          text not null,
  failure_reason  text,
  resource_type   text,
  resource_id     uuid,
  additional_data jsonb not null default '{}',
  login_name      text not null default session_user,
  xid             bigint not null default txid_current(),
  recorded_at     timestamptz not null default clock_timestamp(),
  seq             bigint generated always as identity (cache 32),

  constraint auth_audit_logs_pkey primary key (id, recorded_at),
  -- A list of a few dozen names, and the only foreign key here: everything else
  -- may be erased one day, and evidence outlives it.
  constraint auth_audit_logs_event_type_fkey
    foreign key (event_type) references event_types (name),
  constraint auth_audit_logs_result_is_known check (result in ('success', 'failure', 'denied')),
  constraint auth_audit_logs_failures_have_a_reason
    check (result = 'success' or failure_reason is not null),
  constraint auth_audit_logs_user_agent_is_one_line
    check (is_printable(user_agent) and char_length(user_agent) <= 1000),
  constraint auth_audit_logs_additional_data_is_an_object
    check (jsonb_typeof(additional_data) = 'object')
) partition by range (recorded_at);

comment on table auth_audit_logs is
  'What people and services did: one row per event, by month, append-only.';
comment on column auth_audit_logs.id is 'The id of the event. [internal]';
comment on column auth_audit_logs.event_time is 'When it happened. [internal]';
comment on column auth_audit_logs.event_type is 'What happened: a name in event_types. [internal]';
comment on column auth_audit_logs.user_id is 'Whom it happened to; null when unknown. [internal]';
comment on column auth_audit_logs.acting_user_id is 'Who did it; null before anyone is signed in. [internal]';
comment on column auth_audit_logs.organization_id is
  'Where it happened; null outside any organization. [internal]';
comment on column auth_audit_logs.session_id is 'In which session. [internal]';
comment on column auth_audit_logs.ip_address is
  'Where the application says the request came from. [personal]';
comment on column auth_audit_logs.user_agent is
  'The user agent the application says it came with, control characters replaced. [personal]';
comment on column auth_audit_logs.device_id is 'The device, when one is known. [internal]';
comment on column auth_audit_logs.result is 'success, failure or denied. [internal]';
comment on column auth_audit_logs.failure_reason is 'Why not; null on success. [internal]';
comment on column auth_audit_logs.resource_type is 'What kind of thing it was done to. [internal]';
comment on column auth_audit_logs.resource_id is 'Which one. [internal]';
comment on column auth_audit_logs.additional_data is
  'More, by event type. Ids and words, never secrets or free text about people. [internal]';
comment on column auth_audit_logs.login_name is
  'Which login of the database it came from, set by the server: who it was, where nobody is signed in. Not for tenants. [internal]';
comment on column auth_audit_logs.xid is
  'The transaction that wrote it, set by the server: what rows are sealed by. [internal]';
comment on column auth_audit_logs.recorded_at is
  'When it was written, set by the server: what partitions are cut by. [internal]';
comment on column auth_audit_logs.seq is
  'The order within a transaction, set by the server. [internal]';

create index auth_audit_logs_xid_idx on auth_audit_logs (xid);
create index auth_audit_logs_organization_id_recorded_at_idx
  on auth_audit_logs (organization_id, recorded_at);
-- Not only where there is somebody: an event about nobody takes as long to write, so
-- that who times a request does not learn which of the two it was.
create index auth_audit_logs_user_id_recorded_at_idx
  on auth_audit_logs (user_id, recorded_at);
create index auth_audit_logs_recorded_at_idx on auth_audit_logs using brin (recorded_at);
create index auth_audit_logs_event_type_idx on auth_audit_logs (event_type, recorded_at)
  where result <> 'success';


--
-- Attempts
--

create table access_attempt_logs (
  id                   uuid not null default new_id(),
  user_id              uuid,
  email                bytea,
  email_digest         bytea,
  ip_address           bytea,
  ip_index             bytea,
  user_agent           text,
  attempt_time         timestamptz not null default clock_timestamp(),
  result               text not null,
  identity_provider_id uuid,
  additional_data      jsonb not null default '{}',
  login_name           text not null default session_user,
  xid                  bigint not null default txid_current(),
  recorded_at          timestamptz not null default clock_timestamp(),
  seq                  bigint generated always as identity (cache 32),

  constraint access_attempt_logs_pkey primary key (id, recorded_at),
  constraint access_attempt_logs_email_digest_is_32_bytes check (octet_length(email_digest) = 32),
  constraint access_attempt_logs_ip_index_is_16_bytes check (octet_length(ip_index) = 16),
  constraint access_attempt_logs_result_is_known
    check (result in ('success', 'invalid', 'throttled', 'disabled', 'abandoned')),
  constraint access_attempt_logs_user_agent_is_one_line
    check (is_printable(user_agent) and char_length(user_agent) <= 1000),
  constraint access_attempt_logs_additional_data_is_an_object
    check (jsonb_typeof(additional_data) = 'object')
) partition by range (recorded_at);

comment on table access_attempt_logs is
  'Who tried to sign in, known or unknown: one row per attempt, by month, append-only.';
comment on column access_attempt_logs.id is 'The id of the attempt. [internal]';
comment on column access_attempt_logs.user_id is 'Whose account; null for an unknown address. [internal]';
comment on column access_attempt_logs.email is
  'The address that was typed; null where the attempt is not known. A table that cannot be changed forgets by its keys: what was typed for somebody goes with them, the rest with the key of its time. [sealed]';
comment on column access_attempt_logs.email_digest is
  'The keyed digest of the address that was typed, where it was nobody''s: the same for the same. Null for somebody, whom the row names: nothing typed at their account can be compared once they are shredded. [secret]';
comment on column access_attempt_logs.ip_address is
  'Where from, as the application says; null when it does not. [sealed]';
comment on column access_attempt_logs.ip_index is
  'What attempts from one network address are found by, made under the key that the address is sealed under; null when there is none. [secret]';
comment on column access_attempt_logs.user_agent is 'With what, as the application says. [personal]';
comment on column access_attempt_logs.attempt_time is 'When. [internal]';
comment on column access_attempt_logs.result is
  'success, invalid, throttled, disabled, or abandoned when the attempt was begun and never finished. [internal]';
comment on column access_attempt_logs.identity_provider_id is
  'Through which identity provider; null for a password. [internal]';
comment on column access_attempt_logs.additional_data is 'More, never a secret. [internal]';
comment on column access_attempt_logs.login_name is
  'Which login of the database it came from, set by the server: who it was, where nobody is signed in. Not for tenants. [internal]';
comment on column access_attempt_logs.xid is 'The transaction that wrote it, set by the server. [internal]';
comment on column access_attempt_logs.recorded_at is 'When it was written, set by the server. [internal]';
comment on column access_attempt_logs.seq is 'The order within a transaction, set by the server. [internal]';

create index access_attempt_logs_xid_idx on access_attempt_logs (xid);
create index access_attempt_logs_user_id_recorded_at_idx
  on access_attempt_logs (user_id, recorded_at)
  where user_id is not null;
create index access_attempt_logs_ip_index_recorded_at_idx
  on access_attempt_logs (ip_index, recorded_at);
create index access_attempt_logs_recorded_at_idx on access_attempt_logs using brin (recorded_at);


--
-- Changes
--

create table data_change_logs (
  id              uuid not null default new_id(),
  event_time      timestamptz not null default clock_timestamp(),
  organization_id uuid,
  acting_user_id  uuid,
  session_id      uuid,
  table_name      text not null,
  row_id          uuid not null,
  operation       text not null,
  old_values      jsonb,
  new_values      jsonb,
  login_name      text not null default session_user,
  xid             bigint not null default txid_current(),
  recorded_at     timestamptz not null default clock_timestamp(),
  seq             bigint generated always as identity (cache 32),

  constraint data_change_logs_pkey primary key (id, recorded_at),
  constraint data_change_logs_operation_is_known
    check (operation in ('insert', 'update', 'delete')),
  constraint data_change_logs_values_fit_the_operation
    check (
      (old_values is not null) = (operation <> 'insert')
      and (new_values is not null) = (operation <> 'delete')
    )
) partition by range (recorded_at);

comment on table data_change_logs is
  'What rows became: one row per changed row, the changed columns before and after, by month, append-only.';
comment on column data_change_logs.id is 'The id of the change. [internal]';
comment on column data_change_logs.event_time is 'When. [internal]';
comment on column data_change_logs.organization_id is
  'The organization of the row, or of whoever changed it. [internal]';
comment on column data_change_logs.acting_user_id is 'Who changed it; null when nobody was signed in. [internal]';
comment on column data_change_logs.session_id is 'In which session. [internal]';
comment on column data_change_logs.table_name is 'Which table. [internal]';
comment on column data_change_logs.row_id is
  'Which row; of a link table, the row on its far side. [internal]';
comment on column data_change_logs.operation is 'insert, update or delete. [internal]';
comment on column data_change_logs.old_values is
  'The changed columns before; personal, secret and sealed values read "[redacted]". [internal]';
comment on column data_change_logs.new_values is
  'The changed columns after; personal, secret and sealed values read "[redacted]". [internal]';
comment on column data_change_logs.login_name is
  'Which login of the database it came from, set by the server: who it was, where nobody is signed in. Not for tenants. [internal]';
comment on column data_change_logs.xid is 'The transaction that wrote it, set by the server. [internal]';
comment on column data_change_logs.recorded_at is 'When it was written, set by the server. [internal]';
comment on column data_change_logs.seq is 'The order within a transaction, set by the server. [internal]';

create index data_change_logs_xid_idx on data_change_logs (xid);
create index data_change_logs_organization_id_recorded_at_idx
  on data_change_logs (organization_id, recorded_at);
create index data_change_logs_row_id_recorded_at_idx on data_change_logs (row_id, recorded_at);
create index data_change_logs_recorded_at_idx on data_change_logs using brin (recorded_at);


--
-- Alerts
--

create table security_alerts (
  id              uuid not null default new_id(),
  organization_id uuid,
  user_id         uuid,
  session_id      uuid,
  alert_type      text not null,
  severity        text not null,
  status          text not null default 'open',
  evidence        jsonb not null default '{}',
  creation_time   timestamptz not null default now(),
  last_update_time timestamptz not null default now(),
  resolved_by     uuid,
  resolution_time timestamptz,
  resolution_note text,

  constraint security_alerts_pkey primary key (id),
  constraint security_alerts_alert_type_is_known
    check (alert_type in (
      'refresh_token_reused', 'password_disabled', 'password_compromised',
      'clock_went_back', 'partitions_running_out', 'messages_undelivered', 'reported'
    )),
  constraint security_alerts_severity_is_known check (severity in ('low', 'medium', 'high', 'critical')),
  constraint security_alerts_status_is_known check (status in ('open', 'acknowledged', 'resolved')),
  constraint security_alerts_resolution_note_is_short
    check (is_printable(resolution_note) and char_length(resolution_note) between 1 and 1000),
  constraint security_alerts_resolved_ones_say_how
    check ((status = 'resolved') = (resolution_time is not null and resolution_note is not null))
);

comment on table security_alerts is
  'What somebody has to look at, and what came of it (HIPAA 164.308(a)(6)(ii)).';
comment on column security_alerts.id is 'The id of the alert. [internal]';
comment on column security_alerts.organization_id is
  'Whose alert; null when it is the cell''s. [internal]';
comment on column security_alerts.user_id is 'About whom, if about anyone. [internal]';
comment on column security_alerts.session_id is 'About which session, if about one. [internal]';
comment on column security_alerts.alert_type is 'What was detected. [internal]';
comment on column security_alerts.severity is 'low, medium, high or critical. [internal]';
comment on column security_alerts.status is 'open, acknowledged or resolved. [internal]';
comment on column security_alerts.evidence is 'What was seen: ids and numbers. [internal]';
comment on column security_alerts.creation_time is 'When it was detected. [internal]';
comment on column security_alerts.last_update_time is 'When this row last changed. [internal]';
comment on column security_alerts.resolved_by is 'Who resolved it. [internal]';
comment on column security_alerts.resolution_time is 'When it was resolved; null until then. [internal]';
comment on column security_alerts.resolution_note is 'How it was resolved; null until then. [internal]';

create index security_alerts_open_idx
  on security_alerts (organization_id, creation_time)
  where status <> 'resolved';
create index security_alerts_user_id_idx on security_alerts (user_id);

create trigger _100_touch_last_update_time
  before update on security_alerts
  for each row
  execute function tg__touch_last_update_time();


--
-- Who may read, and that nobody may write
--

alter table auth_audit_logs enable row level security;
alter table auth_audit_logs force row level security;
alter table access_attempt_logs enable row level security;
alter table access_attempt_logs force row level security;
alter table data_change_logs enable row level security;
alter table data_change_logs force row level security;
alter table security_alerts enable row level security;
alter table security_alerts force row level security;

create policy tenant_fence on auth_audit_logs
  as restrictive
  to safetypin_app
  using (organization_id = (select current_organization_id()))
  with check (false);
comment on policy tenant_fence on auth_audit_logs is
  'Events of the current organization only, and none is written by hand.';

create policy tenant_fence on data_change_logs
  as restrictive
  to safetypin_app
  using (organization_id = (select current_organization_id()))
  with check (false);
comment on policy tenant_fence on data_change_logs is
  'Changes in the current organization only, and none is written by hand.';

create policy tenant_fence on security_alerts
  as restrictive
  to safetypin_app
  using (organization_id = (select current_organization_id()))
  with check (false);
comment on policy tenant_fence on security_alerts is
  'Alerts of the current organization only, and none is written by hand.';

-- Everybody may see what was done to them and in their name.
create policy select_self on auth_audit_logs
  for select
  to safetypin_app
  using (
    user_id = (select current_user_id())
    or acting_user_id = (select current_user_id())
  );
comment on policy select_self on auth_audit_logs is
  'Everybody sees what was done to them and in their name.';

create policy select_self on access_attempt_logs
  for select
  to safetypin_app
  using (user_id = (select current_user_id()));
comment on policy select_self on access_attempt_logs is
  'Everybody sees who tried to sign in as them.';

create policy select_auditor on auth_audit_logs
  for select
  to safetypin_auditor
  using (true);
comment on policy select_auditor on auth_audit_logs is
  'Auditors see the events of every organization.';

create policy select_auditor on access_attempt_logs
  for select
  to safetypin_auditor
  using (true);
comment on policy select_auditor on access_attempt_logs is
  'Auditors see every attempt to sign in.';

create policy select_auditor on data_change_logs
  for select
  to safetypin_auditor
  using (true);
comment on policy select_auditor on data_change_logs is
  'Auditors see the changes in every organization.';

create policy select_auditor on security_alerts
  for select
  to safetypin_auditor
  using (true);
comment on policy select_auditor on security_alerts is
  'Auditors see every alert and what came of it.';

create policy insert_definer on auth_audit_logs
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on auth_audit_logs is
  'Events are recorded by the functions they speak of.';

create policy insert_definer on access_attempt_logs
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on access_attempt_logs is
  'Attempts are recorded by the functions that judge them.';

create policy insert_definer on data_change_logs
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on data_change_logs is
  'Changes are recorded by the triggers of the tables they happen in.';

create policy insert_definer on security_alerts
  for insert
  to safetypin_definer
  with check (true);
comment on policy insert_definer on security_alerts is
  'Alerts are raised by the functions that notice.';

create policy select_definer on security_alerts
  for select
  to safetypin_definer
  using (true);
comment on policy select_definer on security_alerts is
  'Whoever resolves an alert must find it.';

create policy update_definer on security_alerts
  for update
  to safetypin_definer
  using (true);
comment on policy update_definer on security_alerts is
  'Alerts are acknowledged and resolved in functions.';

create policy select_backup on auth_audit_logs
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on auth_audit_logs is 'A backup holds every row.';

create policy select_backup on access_attempt_logs
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on access_attempt_logs is 'A backup holds every row.';

create policy select_backup on data_change_logs
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on data_change_logs is 'A backup holds every row.';

create policy select_backup on security_alerts
  for select
  to safetypin_backup
  using (true);
comment on policy select_backup on security_alerts is 'A backup holds every row.';

-- All but the login, which is the cell's own affair: an operator's may be a person's name.
grant select (
  id, event_time, event_type, user_id, acting_user_id, organization_id, session_id, ip_address,
  user_agent, device_id, result, failure_reason, resource_type, resource_id, additional_data,
  xid, recorded_at, seq
) on auth_audit_logs to safetypin_app;
grant select (
  id, user_id, email, ip_address, user_agent, attempt_time, result, identity_provider_id,
  additional_data, recorded_at
) on access_attempt_logs to safetypin_app;
grant select (
  id, event_time, organization_id, acting_user_id, session_id, table_name, row_id, operation,
  old_values, new_values, xid, recorded_at, seq
) on data_change_logs to safetypin_app;
grant select on security_alerts to safetypin_app;
grant select on auth_audit_logs, access_attempt_logs, data_change_logs, security_alerts
  to safetypin_auditor, safetypin_backup;
-- Where counting has come to: rows that are restored would be counted again.
grant select on sequence
  auth_audit_logs_seq_seq, access_attempt_logs_seq_seq, data_change_logs_seq_seq
  to safetypin_backup;
grant select on security_alerts to safetypin_definer;

-- By column, so that not even a function of ours can forge login_name, xid, recorded_at or seq.
grant insert (
  event_time, event_type, user_id, acting_user_id, organization_id, session_id, ip_address,
  user_agent, device_id, result, failure_reason, resource_type, resource_id, additional_data
) on auth_audit_logs to safetypin_definer;
grant insert (
  id, user_id, email, email_digest, ip_address, ip_index, user_agent, attempt_time, result,
  identity_provider_id, additional_data
) on access_attempt_logs to safetypin_definer;
grant insert (
  event_time, organization_id, acting_user_id, session_id, table_name, row_id, operation,
  old_values, new_values
) on data_change_logs to safetypin_definer;
grant insert (
  organization_id, user_id, session_id, alert_type, severity, evidence
) on security_alerts to safetypin_definer;
grant update (status, resolved_by, resolution_time, resolution_note)
  on security_alerts to safetypin_definer;
-- No update, delete or truncate on the three logs, for anyone. The triggers say
-- so again to whoever owns the tables.


create function tg__append_only()
  returns trigger
  language plpgsql
  set search_path from current
as $$
begin
  raise exception 'evidence is never changed: % on % was refused', tg_op, tg_argv[0]
    using errcode = 'SP203', hint = 'Old partitions are archived and detached, never edited.';
end;
$$;

comment on function tg__append_only() is
  'Refuses update, delete and truncate on evidence. Raises SP203.';

create trigger _500_append_only
  before update or delete on auth_audit_logs
  for each row
  execute function tg__append_only('auth_audit_logs');
create trigger _500_append_only
  before update or delete on access_attempt_logs
  for each row
  execute function tg__append_only('access_attempt_logs');
create trigger _500_append_only
  before update or delete on data_change_logs
  for each row
  execute function tg__append_only('data_change_logs');

create trigger _500_no_truncate
  before truncate on auth_audit_logs
  execute function tg__append_only('auth_audit_logs');
create trigger _500_no_truncate
  before truncate on access_attempt_logs
  execute function tg__append_only('access_attempt_logs');
create trigger _500_no_truncate
  before truncate on data_change_logs
  execute function tg__append_only('data_change_logs');

-- Always: also in a session that says it is a replica.
alter table auth_audit_logs enable always trigger _500_append_only;
alter table access_attempt_logs enable always trigger _500_append_only;
alter table data_change_logs enable always trigger _500_append_only;
alter table auth_audit_logs enable always trigger _500_no_truncate;
alter table access_attempt_logs enable always trigger _500_no_truncate;
alter table data_change_logs enable always trigger _500_no_truncate;


--
-- Writing evidence
--

set local role safetypin_definer;

-- An entry is data, never lines: a carriage return in a user agent must not
-- look like another entry to whoever reads the log in a terminal, nor may a
-- mark of direction turn what is read around.
create function _printable(
  p_text text
)
  returns text
  language sql
  immutable
  strict
  parallel safe
  return regexp_replace(
    left(p_text, 1000),
    '[\x01-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]', '?', 'g'
  );

comment on function _printable(text) is
  'The text as is_printable() wants it, what is not replaced by question marks, and at most 1000 characters of it.';


create function _log_event(
  p_event_type text,
  p_user_id uuid default null,
  p_result text default 'success',
  p_failure_reason text default null,
  p_organization_id uuid default null,
  p_session_id uuid default null,
  p_resource_type text default null,
  p_resource_id uuid default null,
  p_additional_data jsonb default '{}',
  p_ip_address inet default null,
  p_user_agent text default null
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_context text[] := verified_context();
begin
  insert into auth_audit_logs (
    event_type, user_id, acting_user_id, organization_id, session_id, ip_address, user_agent,
    result, failure_reason, resource_type, resource_id, additional_data
  )
  values (
    p_event_type,
    coalesce(p_user_id, v_context[2]::uuid),
    v_context[2]::uuid,
    coalesce(p_organization_id, v_context[3]::uuid),
    coalesce(p_session_id, v_context[4]::uuid),
    coalesce(p_ip_address, current_ip_address()),
    _printable(coalesce(p_user_agent, current_user_agent())),
    p_result,
    p_failure_reason,
    p_resource_type,
    p_resource_id,
    p_additional_data
  );
end;
$$;

comment on function _log_event(text, uuid, text, text, uuid, uuid, text, uuid, jsonb, inet, text) is
  'Records one event. Who acts and where comes from the signed context and not from the caller. A failure to record fails the work.';

grant execute on function
  _log_event(text, uuid, text, text, uuid, uuid, text, uuid, jsonb, inet, text)
to safetypin_owner, safetypin_keyholder;


create function _raise_alert(
  p_alert_type text,
  p_severity text,
  p_organization_id uuid default null,
  p_user_id uuid default null,
  p_session_id uuid default null,
  p_evidence jsonb default '{}'
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  insert into security_alerts (
    organization_id, user_id, session_id, alert_type, severity, evidence
  )
  values (
    p_organization_id, p_user_id, p_session_id, p_alert_type, p_severity, p_evidence
  );
end;
$$;

comment on function _raise_alert(text, text, uuid, uuid, uuid, jsonb) is
  'Opens an alert for somebody to look at.';

grant execute on function _raise_alert(text, text, uuid, uuid, uuid, jsonb) to safetypin_owner;


-- What a function of ours refuses with an exception rolls back with everything
-- else, so the client comes back in a transaction of its own to say so.
create function record_denial(
  p_action text,
  p_reason text
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
begin
  if p_action is null or p_action !~ '^[A-Za-z0-9_.:-]{1,100}$'
     or p_reason is null or p_reason !~ '^[A-Za-z0-9_.:-]{1,100}$'
  then
    raise exception 'an action and a reason are words of letters, digits, dots and dashes'
      using errcode = 'SP503', hint = 'Pass the name of the operation and the code of the error.';
  end if;

  perform _log_event(
    'access.denied',
    p_result => 'denied',
    p_failure_reason => p_reason,
    p_additional_data => jsonb_build_object('action', p_action)
  );
end;
$$;

comment on function record_denial(text, text) is
  'Records that a request was refused, after the refusal was rolled back. Raises SP503 when an action or a reason is not a word.';

grant execute on function record_denial(text, text) to safetypin_app;


--
-- Partitions
--

set local role safetypin_owner;

-- Made like the parent and then attached, which takes SHARE UPDATE EXCLUSIVE on
-- it; `create table … partition of` would stop every writer. There is no default
-- partition: rows in one keep their month from ever being attached. A month
-- that is missing fails the work, which is why twelve are always ahead.
create function make_partitions(
  p_months_ahead integer default 12
)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path from current
as $$
declare
  v_table     text;
  v_partition text;
  v_month     date;
  v_made      integer := 0;
begin
  if p_months_ahead is null or p_months_ahead not between 2 and 120 then
    raise exception 'cannot make partitions % months ahead', coalesce(p_months_ahead::text, 'null')
      using errcode = 'SP504', hint = 'Pass a number from 2 to 120.';
  end if;

  -- One maker at a time; the application holds no privilege to take this lock.
  lock table event_types in share update exclusive mode;

  for v_table, v_month in
    select
      parent.relname,
      (date_trunc('month', now() at time zone 'UTC') + make_interval(months => ahead))::date
    from pg_partitioned_table
    join pg_class as parent on parent.oid = pg_partitioned_table.partrelid
    cross join generate_series(0, p_months_ahead) as ahead
    where parent.relnamespace = current_schema()::regnamespace
    order by parent.relname, ahead
  loop
    v_partition := v_table || to_char(v_month, '_YYYY_MM');
    continue when to_regclass(quote_ident(v_partition)) is not null;

    execute format(
      'create table %I (like %I including defaults including constraints including comments)',
      v_partition, v_table
    );
    execute format('alter table %I enable row level security', v_partition);
    execute format('alter table %I force row level security', v_partition);
    -- pg_dump reads each partition by its own name, and not through its parent.
    execute format('grant select on %I to safetypin_backup', v_partition);
    execute format(
      'create policy select_backup on %I for select to safetypin_backup using (true)', v_partition
    );
    execute format(
      'comment on policy select_backup on %I is %L',
      v_partition, 'A dump reads partitions by their own names.'
    );
    execute format(
      'comment on table %I is %L',
      v_partition, format('%s of %s.', v_table, to_char(v_month, 'YYYY-MM'))
    );
    -- Row triggers are cloned when a partition is attached, truncate triggers are not.
    execute format(
      'create trigger _500_no_truncate before truncate on %I execute function tg__append_only(%L)',
      v_partition, v_table
    );
    execute format('alter table %I enable always trigger _500_no_truncate', v_partition);
    execute format(
      'alter table %I attach partition %I for values from (%L) to (%L)',
      v_table, v_partition,
      to_char(v_month, 'YYYY-MM-DD 00:00:00+00'),
      to_char(v_month + interval '1 month', 'YYYY-MM-DD 00:00:00+00')
    );
    v_made := v_made + 1;
  end loop;

  perform _log_event(
    'partitions.made',
    p_additional_data => jsonb_build_object('made', v_made, 'months_ahead', p_months_ahead)
  );

  return v_made;
end;
$$;

comment on function make_partitions(integer) is
  'Makes the monthly partitions of the three logs, from this month to so many months ahead, and returns how many were missing. Raises SP504 for a number out of range.';

grant execute on function make_partitions(integer) to safetypin_operator;


create function count_partitions_ahead()
  returns integer
  language plpgsql
  stable
  set search_path from current
as $$
begin
  return (
    select coalesce(min(months), 0)
    from (
      select count(*) filter (where is_there and unbroken) as months
      from (
        select
          parent.relname,
          to_regclass(quote_ident(parent.relname || to_char(month, '_YYYY_MM'))) is not null
            as is_there,
          bool_and(
            to_regclass(quote_ident(parent.relname || to_char(month, '_YYYY_MM'))) is not null
          ) over (partition by parent.relname order by month) as unbroken
        from pg_partitioned_table
        join pg_class as parent on parent.oid = pg_partitioned_table.partrelid
        cross join generate_series(
          date_trunc('month', now() at time zone 'UTC') + interval '1 month',
          date_trunc('month', now() at time zone 'UTC') + interval '120 months',
          interval '1 month'
        ) as month
        where parent.relnamespace = current_schema()::regnamespace
      ) as months
      group by relname
    ) as tables
  );
end;
$$;

comment on function count_partitions_ahead() is
  'How many months beyond this one every log has a partition for. Fewer than two is an alarm.';

grant execute on function count_partitions_ahead() to
  safetypin_app, safetypin_definer, safetypin_operator, safetypin_monitor, safetypin_auditor;


--
-- Recording what rows became
--

-- Called in the chapter that makes a table, after its columns have their
-- classes. It writes one trigger function for that table, column by column:
-- measured, a generic one costs twice as much. Statement-level, so that an
-- update of ten thousand rows is one insert and not ten thousand.
create function _record_changes_of(
  p_table text,
  p_key text[] default '{id}',
  p_ignored text[] default '{last_update_time}'
)
  returns void
  language plpgsql
  volatile
  set search_path from current
as $outer$
declare
  v_function     text := format('tg_%s__record_changes', p_table);
  v_row_id       text := p_key[cardinality(p_key)];
  v_organization text := 'v_context[3]::uuid';
  v_role         text := current_setting('role');
  v_owner        text;
  v_old          text;
  v_new          text;
  v_old_changed  text;
  v_new_changed  text;
  v_compared     text;
begin
  select pg_get_userbyid(relowner) into v_owner from pg_class where oid = p_table::regclass;

  if exists (
    select from pg_attribute
    where attrelid = p_table::regclass and attname = 'organization_id' and not attisdropped
  ) then
    v_organization := 'coalesce(%s.organization_id, v_context[3]::uuid)';
  end if;

  -- '"name":value' for each column; concat_ws() leaves the unchanged ones out.
  select
    string_agg(format('case when o.%1$I is not null then %2$L || %3$s end', name, label, old_value), ', '),
    string_agg(format('case when n.%1$I is not null then %2$L || %3$s end', name, label, new_value), ', '),
    string_agg(
      format('case when o.%1$I is distinct from n.%1$I then %2$L || coalesce(%3$s, ''null'') end', name, label, old_value),
      ', '
    ),
    string_agg(
      format('case when o.%1$I is distinct from n.%1$I then %2$L || coalesce(%3$s, ''null'') end', name, label, new_value),
      ', '
    ),
    string_agg(format('o.%1$I is distinct from n.%1$I', name), ' or ')
      filter (where name <> all (p_ignored))
  into v_old, v_new, v_old_changed, v_new_changed, v_compared
  from (
    select
      attname as name,
      to_json(attname)::text || ':' as label,
      case
        when class in ('personal', 'secret', 'sealed') then $q$'"[redacted]"'$q$
        else format('to_json(o.%I)::text', attname)
      end as old_value,
      case
        when class in ('personal', 'secret', 'sealed') then $q$'"[redacted]"'$q$
        else format('to_json(n.%I)::text', attname)
      end as new_value
    from (
      select
        attname,
        substring(col_description(attrelid, attnum) from '\[(\w+)\]$') as class
      from pg_attribute
      where attrelid = p_table::regclass
        and attnum > 0
        and not attisdropped
      order by attnum
    ) as classified
  ) as columns;

  set local role safetypin_definer;
  execute format(
    $body$
      create function %1$I()
        returns trigger
        language plpgsql
        security definer
        set search_path from current
      as $trigger$
      declare
        v_context text[] := verified_context();
      begin
        if tg_op = 'INSERT' then
          insert into data_change_logs (
            organization_id, acting_user_id, session_id, table_name, row_id, operation, new_values
          )
          select %4$s, v_context[2]::uuid, v_context[4]::uuid, %2$L, n.%3$I, 'insert',
            ('{' || concat_ws(',', %7$s) || '}')::jsonb
          from new_rows as n;
        elsif tg_op = 'UPDATE' then
          insert into data_change_logs (
            organization_id, acting_user_id, session_id, table_name, row_id, operation, old_values, new_values
          )
          select %4$s, v_context[2]::uuid, v_context[4]::uuid, %2$L, n.%3$I, 'update',
            ('{' || concat_ws(',', %8$s) || '}')::jsonb,
            ('{' || concat_ws(',', %9$s) || '}')::jsonb
          from old_rows as o
          join new_rows as n on %10$s
          where %11$s;
        else
          insert into data_change_logs (
            organization_id, acting_user_id, session_id, table_name, row_id, operation, old_values
          )
          select %5$s, v_context[2]::uuid, v_context[4]::uuid, %2$L, o.%3$I, 'delete',
            ('{' || concat_ws(',', %6$s) || '}')::jsonb
          from old_rows as o;
        end if;
        return null;
      end;
      $trigger$
    $body$,
    v_function, p_table, v_row_id, format(v_organization, 'n'), format(v_organization, 'o'),
    v_old, v_new, v_old_changed, v_new_changed,
    (select string_agg(format('o.%1$I = n.%1$I', column_name), ' and ') from unnest(p_key) as column_name),
    v_compared
  );
  execute format(
    'comment on function %I() is %L',
    v_function, format('Records every change of %s in data_change_logs.', p_table)
  );
  execute format('grant execute on function %I() to %I', v_function, v_owner);
  perform set_config('role', v_owner, true);

  execute format(
    'create trigger _900_record_insert after insert on %I
       referencing new table as new_rows
       for each statement execute function %I()',
    p_table, v_function
  );
  execute format(
    'create trigger _900_record_update after update on %I
       referencing old table as old_rows new table as new_rows
       for each statement execute function %I()',
    p_table, v_function
  );
  execute format(
    'create trigger _900_record_delete after delete on %I
       referencing old table as old_rows
       for each statement execute function %I()',
    p_table, v_function
  );
  execute format('alter table %I enable always trigger _900_record_insert', p_table);
  execute format('alter table %I enable always trigger _900_record_update', p_table);
  execute format('alter table %I enable always trigger _900_record_delete', p_table);
  perform set_config('role', v_role, true);
end;
$outer$;

comment on function _record_changes_of(text, text[], text[]) is
  'Gives a table the triggers that record its changes. For migrations: called by a login that may become safetypin_definer and the owner of the table.';

grant execute on function _record_changes_of(text, text[], text[]) to safetypin_keyholder;

select _record_changes_of('cell_settings');

-- The first event needs its name before the seeds bring the rest.
insert into event_types (name, description, functions)
values ('partitions.made', 'Monthly partitions of the logs were made.', '{make_partitions}');

select make_partitions();
