/*
 * 0016 clouds: the cloud providers an organization may keep credentials for
 *
 * A catalogue, the same for everybody: what a provider is called and what
 * SafetyPin can do with it. The rows come with the base seeds.
 */

set local role safetypin_owner;

create table cloud_providers (
  id           uuid not null default new_id(),
  name         text not null,
  display_name text not null,
  status       text not null default 'active',
  api_version  text,
  capabilities jsonb not null default '{}',

  constraint cloud_providers_pkey primary key (id),
  constraint cloud_providers_name_key unique (name),
  constraint cloud_providers_name_is_a_word check (name ~ '^[a-z][a-z0-9_]{0,39}$'),
  constraint cloud_providers_status_is_known check (status in ('active', 'deprecated', 'inactive')),
  constraint cloud_providers_capabilities_is_an_object
    check (jsonb_typeof(capabilities) = 'object')
);

comment on table cloud_providers is 'The clouds SafetyPin knows.';
comment on column cloud_providers.id is 'The id of the provider. [public]';
comment on column cloud_providers.name is 'aws, azure, gcp. [public]';
comment on column cloud_providers.display_name is 'What people call it. [public]';
comment on column cloud_providers.status is 'active, deprecated or inactive. [public]';
comment on column cloud_providers.api_version is 'The version of its interface; null when it has none. [public]';
comment on column cloud_providers.capabilities is
  'What it is used for: key_management, secrets, iam_tokens, each true or false. [public]';

alter table cloud_providers enable row level security;
alter table cloud_providers force row level security;

create policy select_everyone on cloud_providers
  for select
  to safetypin_app, safetypin_definer, safetypin_owner, safetypin_backup
  using (true);
comment on policy select_everyone on cloud_providers is 'Which clouds there are is no secret.';

create policy insert_owner on cloud_providers
  for insert
  to safetypin_owner
  with check (true);
comment on policy insert_owner on cloud_providers is 'Seeds name the clouds there are.';

create policy update_owner on cloud_providers
  for update
  to safetypin_owner
  using (true);
comment on policy update_owner on cloud_providers is 'Seeds bring the clouds up to date.';

grant select on cloud_providers to safetypin_app, safetypin_definer, safetypin_backup;
