/* @name Hello */
select hello(:forTransaction!) as "pad!";

/* @name ListWrappedShares */
select
  key_id as "keyId!",
  provider as "provider!",
  key_name as "keyName!",
  wrapped as "wrapped!"
from list_wrapped_shares(:organizationId);

/* @name Unlock */
select unlock(:organizationId, :keyId!, :maskedShare!) as "isUnlocked!";
