/* @name ListDomains */
-- An organization claims a handful.
select
  id,
  domain,
  verified_time as "verifiedTime",
  claimed_by as "claimedBy",
  creation_time as "creationTime"
from organization_domains
where domain > :afterDomain!
order by domain
limit :limit!;

/* @name FindDomain */
select
  id,
  domain,
  verified_time as "verifiedTime",
  claimed_by as "claimedBy",
  creation_time as "creationTime"
from organization_domains
where domain = lower(:domain!);

/* @name ClaimDomain */
select
  claim_domain(p_domain => :domain!, p_token_hash => :tokenHash!) as "domainId!",
  current_schema()::text as "cell!";

/* @name VerifyDomain */
select verify_domain(:token!) as "isVerified!";

/* @name ReleaseDomain */
select release_domain(:domain!);
