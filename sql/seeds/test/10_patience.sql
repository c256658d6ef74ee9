/*
 * test: the same rules, and less waiting
 *
 * Throttles are as real as anywhere; the first wait is a second, not thirty, and
 * a test machine, which signs everybody in from one address, may fail more often.
 */

select _require_not_production();

update password_policies
set
  lockout_base = '1 second',
  lockout_limit = '5 seconds',
  address_threshold = 10000
where organization_id is null
  and (lockout_base, lockout_limit, address_threshold)
    is distinct from ('1 second'::interval, '5 seconds'::interval, 10000);
