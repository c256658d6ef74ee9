/* @name TakeMessages */
select
  id as "id!",
  attempt as "attempt!",
  purpose as "purpose!",
  email as "email!",
  first_name as "firstName!",
  last_name as "lastName!",
  locale as "locale!",
  timezone as "timezone!",
  token,
  expiration_time as "expirationTime"
from take_messages(:limit!, make_interval(secs => :leaseS!));

/* @name FinishMessage */
select finish_message(:messageId!, :attempt!, :isDelivered!, :problem) as "status!";
