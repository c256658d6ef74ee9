/*
 * base: the clouds SafetyPin knows
 */

insert into cloud_providers (name, display_name, api_version, capabilities)
values
  ('aws', 'Amazon Web Services', null, '{"key_management": true, "secrets": true, "iam_tokens": true}'),
  ('azure', 'Microsoft Azure', null, '{"key_management": true, "secrets": true, "iam_tokens": true}'),
  ('gcp', 'Google Cloud', null, '{"key_management": true, "secrets": true, "iam_tokens": true}')
on conflict (name) do update
set
  display_name = excluded.display_name,
  api_version = excluded.api_version,
  capabilities = excluded.capabilities
where (cloud_providers.display_name, cloud_providers.api_version, cloud_providers.capabilities)
  is distinct from (excluded.display_name, excluded.api_version, excluded.capabilities);
