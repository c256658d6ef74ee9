/* @name FindBlocklistBucket */
select digests
from password_blocklist
where prefix = :prefix!;
