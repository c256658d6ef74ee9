/* @name RequirePasswordChange */
select require_password_change(:userId!);

/* @name PreparePasswordChange */
select
  email as "email!",
  first_name as "firstName!",
  last_name as "lastName!",
  organization_names as "organizationNames!",
  history_salts as "historySalts!",
  (policy).version as "version!",
  (policy).min_length as "minLength!",
  (policy).max_length as "maxLength!",
  (policy).require_uppercase as "requireUppercase!",
  (policy).require_lowercase as "requireLowercase!",
  (policy).require_digit as "requireDigit!",
  (policy).require_symbol as "requireSymbol!",
  (policy).bcrypt_cost as "bcryptCost!"
from prepare_password_change();

/* @name ChangePassword */
select change_password(
  :attemptId!, :passwordDigest!, :historyDigests!::bytea[], :policyVersion!
) as "outcome!";

/* @name RequestPasswordReset */
select request_password_reset(:email!);

/* @name PreparePasswordReset */
-- No row when the token is not good.
select
  email as "email!",
  first_name as "firstName!",
  last_name as "lastName!",
  organization_names as "organizationNames!",
  history_salts as "historySalts!",
  (policy).version as "version!",
  (policy).min_length as "minLength!",
  (policy).max_length as "maxLength!",
  (policy).require_uppercase as "requireUppercase!",
  (policy).require_lowercase as "requireLowercase!",
  (policy).require_digit as "requireDigit!",
  (policy).require_symbol as "requireSymbol!",
  (policy).bcrypt_cost as "bcryptCost!"
from prepare_password_reset(:token!)
where email is not null;

/* @name ResetPassword */
select reset_password(
  :token!, :passwordDigest!, :historyDigests!::bytea[], :policyVersion!
) as "outcome!";

/* @name RehashPassword */
select rehash_password(:attemptId!, :passwordDigest!) as "isRehashed!";
