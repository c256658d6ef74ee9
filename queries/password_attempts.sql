/* @name BeginPasswordCheck */
select
  status as "status!",
  attempt_id as "attemptId",
  nonce,
  salt,
  target_cost as "targetCost",
  ceil(extract(epoch from retry_after) * 1000)::integer as "retryAfterMs"
from begin_password_check(:email!, :ipAddress::inet, :userAgent);

/* @name SubmitPasswordProof */
select submit_password_proof(:attemptId!, :proof!);

/* @name FinishPasswordCheck */
select
  status as "status!",
  session_id as "sessionId",
  user_id as "userId",
  organization_id as "organizationId",
  expiration_time as "expirationTime"
from finish_password_check(
  :attemptId!,
  :sessionTokenHash!,
  :refreshTokenHash!,
  :changeTokenHash!,
  :organizationId::uuid,
  :deviceId::uuid
);
