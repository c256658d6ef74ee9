/* @name Hello */
select hello(:forTransaction!) as "pad!";

/* @name ListWrappedShares */
select
  key_id as "keyId!",
  state as "state!",
  provider as "provider!",
  key_name as "keyName!",
  wrapped as "wrapped!"
from list_wrapped_shares(:organizationId);

/* @name ListWrappedSharesOfOrganization */
-- Of the organization that is chosen now: within a transaction it can change. One row, and
-- no key in it, where there is none.
select
  chosen.organization_id as "organizationId",
  shares.key_id as "keyId",
  shares.state,
  shares.provider,
  shares.key_name as "keyName",
  shares.wrapped
from (select current_organization_id() as organization_id) as chosen
left join list_wrapped_shares(chosen.organization_id) as shares
  on chosen.organization_id is not null;

/* @name ListWrappedSharesOfField */
-- How a field is declared, and the keys of its scope, as they are now. One row at the least,
-- and nothing in it of what there is not.
select
  declared.field_id as "fieldId",
  declared.sealed_as as "sealedAs!",
  declared.scope as "scope!",
  declared.algorithm as "algorithm!",
  chosen.organization_id as "organizationId",
  shares.key_id as "keyId",
  shares.state,
  shares.provider,
  shares.key_name as "keyName",
  shares.wrapped
from (
  select case :scope!::text when 'organization' then current_organization_id() end as organization_id
) as chosen
left join sealed_fields as declared
  on declared.table_name = :tableName! and declared.column_name = :columnName!
left join list_wrapped_shares(chosen.organization_id) as shares
  on :scope = 'cell' or chosen.organization_id is not null;

/* @name AddFirstKey */
select add_first_key(:organizationId!, :provider!, :keyName!, :wrapped!, :maskedShare!);

/* @name Unlock */
select unlock(:organizationId, :keyId!, :maskedShare!) as "isUnlocked!";
