/* @name FindPasswordPolicy */
-- The organization's own, or the cell's default where it has none.
select
  organization_id as "organizationId",
  min_length as "minLength",
  max_length as "maxLength",
  require_uppercase as "requireUppercase",
  require_lowercase as "requireLowercase",
  require_digit as "requireDigit",
  require_symbol as "requireSymbol",
  maximum_age_days as "maximumAgeDays",
  history_depth as "historyDepth",
  history_days as "historyDays",
  mfa_required as "mfaRequired",
  max_sessions as "maxSessions",
  (extract(epoch from aal1_absolute_limit) / 60)::integer as "aal1AbsoluteMinutes!",
  (extract(epoch from aal1_idle_limit) / 60)::integer as "aal1IdleMinutes!",
  (extract(epoch from aal2_absolute_limit) / 60)::integer as "aal2AbsoluteMinutes!",
  (extract(epoch from aal2_idle_limit) / 60)::integer as "aal2IdleMinutes!",
  (extract(epoch from aal3_absolute_limit) / 60)::integer as "aal3AbsoluteMinutes!",
  (extract(epoch from aal3_idle_limit) / 60)::integer as "aal3IdleMinutes!"
from password_policies
where organization_id = (select current_organization_id())
  or organization_id is null
order by organization_id nulls last
limit 1;

/* @name SetPasswordPolicy */
insert into password_policies (
  organization_id, min_length, max_length, require_uppercase, require_lowercase, require_digit,
  require_symbol, maximum_age_days, history_depth, history_days, mfa_required, max_sessions,
  aal1_absolute_limit, aal1_idle_limit, aal2_absolute_limit, aal2_idle_limit,
  aal3_absolute_limit, aal3_idle_limit
)
values (
  (select current_organization_id()), :minLength!, :maxLength!, :requireUppercase!,
  :requireLowercase!, :requireDigit!, :requireSymbol!, :maximumAgeDays, :historyDepth!,
  :historyDays!, :mfaRequired!, :maxSessions!,
  make_interval(mins => :aal1AbsoluteMinutes!), make_interval(mins => :aal1IdleMinutes!),
  make_interval(mins => :aal2AbsoluteMinutes!), make_interval(mins => :aal2IdleMinutes!),
  make_interval(mins => :aal3AbsoluteMinutes!), make_interval(mins => :aal3IdleMinutes!)
)
on conflict (organization_id) do update
set
  min_length = excluded.min_length,
  max_length = excluded.max_length,
  require_uppercase = excluded.require_uppercase,
  require_lowercase = excluded.require_lowercase,
  require_digit = excluded.require_digit,
  require_symbol = excluded.require_symbol,
  maximum_age_days = excluded.maximum_age_days,
  history_depth = excluded.history_depth,
  history_days = excluded.history_days,
  mfa_required = excluded.mfa_required,
  max_sessions = excluded.max_sessions,
  aal1_absolute_limit = excluded.aal1_absolute_limit,
  aal1_idle_limit = excluded.aal1_idle_limit,
  aal2_absolute_limit = excluded.aal2_absolute_limit,
  aal2_idle_limit = excluded.aal2_idle_limit,
  aal3_absolute_limit = excluded.aal3_absolute_limit,
  aal3_idle_limit = excluded.aal3_idle_limit
returning
  organization_id as "organizationId",
  min_length as "minLength",
  max_length as "maxLength",
  require_uppercase as "requireUppercase",
  require_lowercase as "requireLowercase",
  require_digit as "requireDigit",
  require_symbol as "requireSymbol",
  maximum_age_days as "maximumAgeDays",
  history_depth as "historyDepth",
  history_days as "historyDays",
  mfa_required as "mfaRequired",
  max_sessions as "maxSessions",
  (extract(epoch from aal1_absolute_limit) / 60)::integer as "aal1AbsoluteMinutes!",
  (extract(epoch from aal1_idle_limit) / 60)::integer as "aal1IdleMinutes!",
  (extract(epoch from aal2_absolute_limit) / 60)::integer as "aal2AbsoluteMinutes!",
  (extract(epoch from aal2_idle_limit) / 60)::integer as "aal2IdleMinutes!",
  (extract(epoch from aal3_absolute_limit) / 60)::integer as "aal3AbsoluteMinutes!",
  (extract(epoch from aal3_idle_limit) / 60)::integer as "aal3IdleMinutes!";

/* @name ClearPasswordPolicy */
select clear_password_policy() as "wasCleared!";

/* @name ReadPasswordPolicy */
select
  version as "version!",
  min_length as "minLength!",
  max_length as "maxLength!",
  require_uppercase as "requireUppercase!",
  require_lowercase as "requireLowercase!",
  require_digit as "requireDigit!",
  require_symbol as "requireSymbol!",
  bcrypt_cost as "bcryptCost!"
from read_password_policy();
